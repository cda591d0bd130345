//! Whatever happens in whatever order: one final report a deployment, success only for a system that was kept, never two
//! installations.

use super::*;
use proptest::prelude::*;
use world::World;

mod world;

#[derive(Debug, Clone)]
enum Happening {
    Deploy {
        good: bool,
    },
    Retry,
    Cancel,
    Duplicate,
    /// Connections are lost with what is on its way, and come again.
    Reconnect,
    /// The next report arrives.
    Deliver,
    /// A file is fetched, or not.
    Fetch {
        works: bool,
    },
    /// The updater answers to what it was asked first; what comes too late is refused.
    Answer {
        late: bool,
    },
    /// The installation that goes on ends.
    Finish {
        well: bool,
    },
    /// The box restarts: into the update, where one is installed.
    Restart,
    /// The trial ends.
    Judge {
        keep: bool,
    },
    /// Somebody else installs something.
    ByHand,
    Pass(u16),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        2 => prop::bool::weighted(0.8).prop_map(|good| Happening::Deploy { good }),
        1 => Just(Happening::Retry),
        2 => Just(Happening::Cancel),
        1 => Just(Happening::Duplicate),
        2 => Just(Happening::Reconnect),
        6 => Just(Happening::Deliver),
        6 => prop::bool::weighted(0.8).prop_map(|works| Happening::Fetch { works }),
        8 => any::<bool>().prop_map(|late| Happening::Answer { late }),
        5 => prop::bool::weighted(0.8).prop_map(|well| Happening::Finish { well }),
        4 => Just(Happening::Restart),
        4 => any::<bool>().prop_map(|keep| Happening::Judge { keep }),
        1 => Just(Happening::ByHand),
        4 => (0_u16..400).prop_map(Happening::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn one_end_a_deployment_and_success_only_for_what_was_kept(
        happenings in prop::collection::vec(happening(), 0..80),
    ) {
        let mut world = World::new();
        for happening in &happenings {
            world.happen(happening);
        }
        world.settle();
        if let Some(desired) = &world.desired {
            let agent = &world.reported["agent"];
            prop_assert_eq!(&agent["workflow"]["id"], &desired["workflow"]["id"]);
            prop_assert!(matches!(agent["state"].as_u64(), Some(0 | 255)), "{}", agent);
            if desired["workflow"]["action"] == 3 {
                let workflow = Workflow::read(&desired["workflow"]).unwrap();
                prop_assert!(world.is_final(&workflow.reference()));
            }
        }
    }
}
