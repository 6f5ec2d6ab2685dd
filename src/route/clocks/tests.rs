//! Tests of `clocks`.

use super::*;

/// Ways through some relays; each hop's time is the true one and the relay's error. Transit is below one second.
fn world(errors: &[(&str, i64)], ways: &[&[&str]], messages: u32) -> Model {
    let mut seed = 7u64;
    let mut next = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut clocks = Clocks::default();
    for number in 0..messages {
        for way in ways {
            let mut now = i64::from(number) * 3_600_000;
            let mut hops = Vec::new();
            for host in *way {
                now += next(1_000).cast_signed();
                let error = errors.iter().find(|(name, _)| name == host).map_or(0, |(_, error)| *error);
                hops.push((*host, now + error));
            }
            hops.reverse();
            clocks.observe(hops);
        }
    }
    clocks.learn()
}

#[test]
fn constant_errors_are_recovered_within_a_second_and_right_clocks_stay_right() {
    let errors = [("b", 7_200_000), ("e", -754_000), ("g", 33_000)];
    let ways: &[&[&str]] = &[
        &["a", "b", "c", "z"],
        &["d", "b", "z"],
        &["e", "c", "z"],
        &["a", "c", "z"],
        &["e", "f", "z"],
        &["g", "f", "z"],
        &["g", "c", "z"],
        &["d", "f", "z"],
    ];
    let model = world(&errors, ways, 60);
    for (host, clock) in model.all() {
        let want = errors.iter().find(|(name, _)| *name == host).map_or(0, |(_, error)| *error);
        assert!((clock.ahead_ms - want).abs() <= 1_000, "{host}: {clock:?}, wanted {want}");
    }
    assert_eq!(model.clock("B").unwrap().zone_slip(), Some(4));
    assert_eq!(model.clock("e").unwrap().zone_slip(), None);
    assert_eq!(model.clock("b."), model.clock("b"), "the dot of the root is no part of the name");
    let corrected = model.corrected(("c", 0), ("b", 0), -7_199_500).unwrap();
    assert!((0..=2_000).contains(&corrected), "{corrected}");
    assert_eq!(model.corrected(("z", 0), ("c", 0), 900), None);
}

#[test]
fn drift_and_zone_slips_are_followed_and_steady_clocks_stay_steady() {
    const DAY: i64 = 86_400_000;
    let ways: &[&[&str]] = &[
        &["a", "drifts", "z"],
        &["a", "slips", "z"],
        &["b", "wrong", "z"],
        &["a", "b", "z"],
        &["b", "drifts", "z"],
    ];
    // A second and a half a day; an hour ahead from the fourth month to the eighth; always two minutes behind.
    let error = |host: &str, at: i64| match host {
        "drifts" => (at - 1_704_067_200_000) * 3 / (2 * 86_400),
        "slips" if (3..8).contains(&(month(at) - month(1_704_067_200_000))) => 3_600_000,
        "wrong" => -120_000,
        _ => 0,
    };
    let mut clocks = Clocks::default();
    for number in 0..1_400i64 {
        let now = 1_704_067_200_000 + number * DAY / 4;
        for way in ways {
            let hops = (0..).zip(way.iter());
            let mut hops: Vec<(&str, i64)> =
                hops.map(|(n, &host)| (host, now + n * 400 + error(host, now))).collect();
            hops.reverse();
            clocks.observe(hops);
        }
    }
    let model = clocks.learn();
    assert_eq!(model.course("slips"), Course::ZoneSlips);
    assert_eq!(model.course("wrong"), Course::Steady);
    assert_eq!((model.course("a"), model.course("z")), (Course::Steady, Course::Steady));
    let Course::Drift { us_per_day } = model.course("drifts") else { panic!("{:?}", model.months("drifts")) };
    assert!((us_per_day - 1_500_000).abs() < 20_000, "{us_per_day}");
    for day in [3, 60, 130, 200, 300, 345] {
        let at = 1_704_067_200_000 + day * DAY;
        for host in ["a", "b", "z", "drifts", "slips", "wrong"] {
            let told = model.clock_at(host, at).unwrap().ahead_ms;
            let most = if host == "drifts" { 5_000 } else { 1_000 };
            assert!((told - error(host, at)).abs() <= most, "{host} on day {day}: {told}");
        }
    }
}

#[test]
fn a_strangers_clock_is_shown_by_its_own_votes_and_moves_no_other() {
    let learn = |forged: i64| {
        let mut clocks = Clocks::default();
        let [store, mx, seen, evil] = ["store", "mx", "relay", "evil"].map(|host| clocks.number(host));
        for n in 0..40i64 {
            let at = n * 3_600_000;
            let own = |host, at| (Witness::Own, Some((host, at)));
            clocks.take([own(store, at + 1_000), own(mx, at), (Witness::Seen, Some((seen, at - 41_000)))]);
        }
        for n in 0..forged {
            let at = n * 3_600_000;
            // A claim about the relay counts for nothing, and what the stranger says of himself moves only himself.
            let own = (Witness::Own, Some((mx, at)));
            clocks.take([
                own,
                (Witness::Claimed, Some((seen, at - 9_000_000))),
                (Witness::Seen, Some((seen, at))),
            ]);
            clocks.take([own, (Witness::Seen, Some((evil, at + 7_200_000)))]);
        }
        clocks.learn()
    };
    let (before, after) = (learn(0), learn(500));
    for host in ["store", "mx", "relay"] {
        assert_eq!(before.clock(host), after.clock(host), "{host}");
    }
    let clock = before.clock("relay").unwrap();
    assert_eq!((clock.ahead_ms, clock.neighbours, clock.is_seen), (-41_000, 40, true));
    assert_eq!(after.clock("evil").map(|c| (c.ahead_ms, c.is_seen)), Some((7_200_000, true)));
    assert_eq!(before.clock("evil"), None);
}

#[test]
fn few_messages_and_single_oddities_teach_nothing() {
    assert!(world(&[("b", 900_000)], &[&["a", "b", "z"]], 2).all().all(|(_, clock)| clock.ahead_ms == 0));
    let mut clocks = Clocks::default();
    for n in 0..100 {
        // One forged hop among a hundred.
        clocks.observe([("z", n * 1000 + if n == 50 { -86_400_000 } else { 0 }), ("a", n * 1000 - 500)]);
    }
    assert!(clocks.learn().all().all(|(_, clock)| clock.ahead_ms == 0));
    assert_eq!(Clocks::default().learn(), Model::default());
}

#[test]
fn the_order_of_messages_does_not_matter() {
    let (a, b): (&[&str], &[&str]) = (&["a", "b", "z"], &["c", "b", "y", "z"]);
    let one = world(&[("b", 60_000)], &[a, b], 30);
    assert_eq!(one.clock("b").map(|c| c.neighbours), Some(120));
}
