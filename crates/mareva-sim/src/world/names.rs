use crate::dice::Dice;

const GIVEN: &str = include_str!("../../data/given.txt");
const FAMILY: &str = include_str!("../../data/family.txt");
const TOWNS: &str = include_str!("../../data/towns.txt");

/// Names of people and firms. The lists of names hold nobody in particular.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    given: Vec<&'static str>,
    family: Vec<&'static str>,
    towns: Vec<&'static str>,
}

impl Names {
    pub(crate) fn new() -> Self {
        Self { given: GIVEN.lines().collect(), family: FAMILY.lines().collect(), towns: TOWNS.lines().collect() }
    }

    pub(crate) fn family(&self, dice: &mut Dice) -> &'static str {
        *dice.pick(&self.family)
    }

    pub(crate) fn person(&self, dice: &mut Dice, family: &str) -> String {
        format!("{} {family}", *dice.pick(&self.given))
    }

    pub(crate) fn stranger(&self, dice: &mut Dice) -> String {
        let family = self.family(dice);
        self.person(dice, family)
    }

    /// A firm's name from a pattern with `F` for a family name and `T` for a town.
    pub(crate) fn firm(&self, dice: &mut Dice, pattern: &str) -> String {
        pattern.replace("{F}", self.family(dice)).replace("{T}", *dice.pick(&self.towns))
    }

    /// A date of birth, `YYYY-MM-DD`, of somebody between two ages in 2026.
    pub(crate) fn birth(dice: &mut Dice, youngest: i64, oldest: i64) -> Box<str> {
        let year = 2026 - dice.between(youngest, oldest);
        format!("{year}-{:02}-{:02}", dice.between(1, 12), dice.between(1, 28)).into()
    }
}
