//! What decisions leave behind when they have ended: nothing.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Pay(usize, bool, u32),
    Clear(usize, usize, i64),
    Snooze(usize, u32, i64),
    Spare(usize, bool, i64),
    Revoke(usize),
    List(bool),
    Later(i64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_usize, any::<bool>(), 1..400_u32).prop_map(|(account, named, amount)| Step::Pay(account, named, amount)),
        3 => (0..3_usize, 0..3_usize, 1..30_i64).prop_map(|(account, entry, time)| Step::Clear(account, entry, time)),
        3 => (0..3_usize, 1..900_u32, 1..30_i64).prop_map(|(account, cap, time)| Step::Snooze(account, cap, time)),
        2 => (0..3_usize, any::<bool>(), 1..30_i64).prop_map(|(account, victim, time)| Step::Spare(account, victim, time)),
        2 => (0..20_usize).prop_map(Step::Revoke),
        1 => any::<bool>().prop_map(Step::List),
        2 => (1..15_i64).prop_map(Step::Later),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..24)
}

impl Desk {
    fn step(&mut self, number: usize, step: &Step) -> Output {
        let id = format!("D{number}");
        match step {
            Step::Pay(account, named, amount) => {
                let name = if *named { "Anna Beispiel" } else { "Bert" };
                let text = self.payment(*account, name, &format!("{amount}.00"));
                self.slice(vec![Sent::Payment(text)])
            }
            Step::Clear(account, entry, time) => {
                let entry = ["mules:m1", "names:n1", "names:n2"][*entry];
                let digest = self.pipeline.watchlist().digests(entry, None).remove(0);
                let mut what = json!({ "kind": "cleared_pair", "account": ACCOUNTS[*account], "entry": entry, "entry_digest": digest });
                if entry.starts_with("names:") {
                    what["name"] = json!("ANNA  beispiel");
                }
                self.decide(&id, *time, what)
            }
            Step::Snooze(account, cap, time) => {
                let cap = format!("{cap}.00");
                self.decide(
                    &id,
                    *time,
                    json!({ "kind": "snooze", "account": ACCOUNTS[*account], "rules": ["large"], "amount_cap": cap }),
                )
            }
            Step::Spare(account, victim, time) => {
                let kind = if *victim { "victim_at_risk" } else { "do_not_freeze_yet" };
                self.decide(&id, *time, json!({ "kind": kind, "account": ACCOUNTS[*account] }))
            }
            Step::Revoke(of) => {
                let what = json!({ "kind": "revocation", "decision": format!("D{of}") });
                self.decide(&format!("R{number}"), 10, what)
            }
            Step::List(other) => self.relist(if *other { "C" } else { "B" }),
            Step::Later(minutes) => {
                self.tick += minutes * MINUTE;
                self.slice(Vec::new())
            }
            Step::Restart => self.slice(Vec::new()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// When all decisions have ended, every alert says what it says where nobody ever decided anything. And a process that is
    /// restarted says at each step what one says that is not.
    #[test]
    fn decisions_leave_nothing_behind(steps in steps()) {
        let (mut desk, mut steady, mut plain) = (Desk::new(), Desk::new(), Desk::new());
        for (number, step) in steps.iter().enumerate() {
            if matches!(step, Step::Restart) {
                desk.restart();
            }
            let output = desk.step(number, step);
            prop_assert_eq!(&output, &steady.step(number, step), "step {}", number);
            if matches!(step, Step::Pay(..) | Step::List(_)) {
                // Under the same id.
                plain.offset = desk.offset - 1;
                plain.step(number, step);
            }
        }
        desk.later(60);
        let said = |desk: &Desk| -> BTreeMap<String, Vec<u8>> {
            desk.latest.iter().map(|(id, alert)| (id.clone(), alert.content())).collect()
        };
        desk.slice_at_end();
        plain.slice_at_end();
        prop_assert_eq!(said(&desk), said(&plain));
        prop_assert_eq!(desk.known(), plain.known());
    }
}

impl Desk {
    /// Who is known as what, as a snapshot says.
    fn known(&self) -> Value {
        let mut bytes = Vec::new();
        self.pipeline.write_snapshot(&mut bytes).unwrap();
        let length = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        let alerts = 8 + length(0);
        let alerts: Value = serde_json::from_slice(&bytes[alerts + 8..alerts + 8 + length(alerts)]).unwrap();
        alerts["known"].clone()
    }

    /// The end of the input: final content of every alert.
    fn slice_at_end(&mut self) {
        let seq = self.pipeline.last_seq() + 1;
        let (tick, epoch) = (self.tick, self.pipeline.epoch());
        let slice = InputSlice { records: Vec::new(), seq, tick, end: true, joined: Vec::new(), epoch };
        let output = self.pipeline.process(&slice).unwrap();
        self.latest.extend(output.alerts.into_iter().map(|alert| (alert.alert_id.clone(), alert)));
    }
}
