use super::*;

#[test]
fn an_outage_is_told_of_once_then_every_half_minute_and_when_it_is_over() {
    let mut outage = Outage::default();
    let seconds = Duration::from_secs;
    let told: Vec<_> = (0..75).chain([0, 1, 2]).filter_map(|waits| outage.see(seconds(waits))).collect();
    let waits = |waits| Word::Waits(seconds(waits));
    assert_eq!(told, [waits(10), waits(40), waits(70), Word::Back(seconds(74))]);
    assert_eq!(outage.see(seconds(10)), Some(waits(10)), "the next one is told of again");
}
