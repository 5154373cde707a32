//! Whatever happens, in whatever order.

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Take,
    Answer(usize, Fate),
    Crash,
    CrashLocked,
    Unlock,
    Station,
    Tick(i64),
    Forge,
    Replay,
    Rubbish,
    Pause,
    Refuse,
}

fn step() -> impl Strategy<Value = Step> {
    let fate = prop_oneof![
        4 => Just(Fate::Good), 1 => Just(Fate::LostBefore), 2 => Just(Fate::LostAfter), 1 => Just(Fate::Busy), 1 => Just(Fate::Full),
    ];
    prop_oneof![
        3 => Just(Step::Take),
        12 => (0..4_usize, fate).prop_map(|(which, fate)| Step::Answer(which, fate)),
        3 => Just(Step::Crash),
        1 => Just(Step::CrashLocked),
        2 => Just(Step::Unlock),
        3 => Just(Step::Station),
        3 => prop_oneof![0..3_600_000_i64, Just(-40 * 24 * 3_600_000_i64), Just(3 * 24 * 3_600_000_i64)].prop_map(Step::Tick),
        1 => Just(Step::Forge),
        1 => Just(Step::Replay),
        1 => Just(Step::Rubbish),
        1 => Just(Step::Pause),
        1 => Just(Step::Refuse),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    /// REQ-COMPANION-014: under any interleaving of lost requests, lost answers, crashes, locked starts, forged receipts,
    /// replays, pauses and clocks set back, each reading is at the clinic once and acknowledged, and the chain is whole.
    #[test]
    fn each_reading_is_acknowledged_exactly_once(steps in proptest::collection::vec(step(), 0..70)) {
        let mut phone = Phone::new();
        phone.join();
        for step in steps {
            let now = phone.now();
            match step {
                Step::Take => phone.take_reading(),
                Step::Answer(which, fate) => phone.answer(which, fate),
                Step::Crash => phone.restart(),
                Step::CrashLocked => { phone.vault.lock(); phone.restart() }
                Step::Unlock => { phone.vault.unlock(); phone.tick(0) }
                Step::Station => phone.world.station_runs(now),
                Step::Tick(later) => phone.tick(later),
                Step::Forge => phone.world.forged_receipts = 1,
                Step::Replay => phone.world.replay(),
                Step::Rubbish => phone.world.slip_in_rubbish(now),
                Step::Pause => {
                    phone.desk().pause(now).unwrap();
                    phone.gather();
                    prop_assert!(phone.open_calls.is_empty());
                    phone.desk().resume(now).unwrap();
                    phone.gather();
                }
                Step::Refuse => phone.world.refuse_next = u32::from(phone.world.refused.is_empty()),
            }
        }
        phone.vault.unlock();
        phone.world.forged_receipts = 0;
        phone.tick(0);
        phone.settle();
        phone.tick(25 * 3600 * 1000);
        phone.settle();

        let mut wanted = phone.taken.clone();
        wanted.sort();
        let at_clinic: Vec<String> = phone.world.readings.keys().map(ToString::to_string).collect();
        prop_assert_eq!(&at_clinic, &wanted);
        let history = phone.history();
        prop_assert_eq!(history.len(), wanted.len());
        for reading in history {
            prop_assert_eq!(reading.stage, Stage::AtTheClinic);
        }
        let queue = phone.queue();
        prop_assert_eq!((queue.waiting, queue.at_post_office, queue.stuck, queue.oldest), (0, 0, 0, None));
        // one reading, one envelope, unless that envelope was refused
        for envelopes in phone.world.readings.values() {
            prop_assert_eq!(envelopes.len(), 1);
        }
        prop_assert_eq!(&phone.world.findings, &Vec::<String>::new(), "the clinic sees a whole chain");
    }
}
