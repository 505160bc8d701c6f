//! A log that is cut, validators that were away for too long, and validators that lost their disk.

mod support;

use replica::agreement::Pacing;
use support::{Letter, Net, all};
use wire::Message;

/// Nothing to or from a validator arrives.
fn without(author: u16) -> impl Fn(&Letter) -> bool {
    move |letter| letter.from != author && letter.to != author
}

/// Peers keep so little that whoever is away needs a snapshot.
fn forgetful() -> Net {
    Net::paced(Pacing { retain_rounds: 90, ..Pacing::default() })
}

fn work(net: &mut Net, count: u64, arrives: impl Fn(&Letter) -> bool) {
    for ticket in 0..count {
        net.submit(0, ticket, &format!("work {ticket} from {}", net.now));
        net.run(20, &arrives);
    }
}

#[test]
fn the_log_stays_short_however_long_the_validators_run() {
    let mut net = Net::new();
    let mut lengths = Vec::new();
    for _ in 0..8 {
        work(&mut net, 60, all);
        lengths.push(net.histories[0].log.len());
    }
    assert!(net.round(0) > 300);
    let (early, late) = (lengths[2], lengths[7]);
    assert!(late < 2 * early, "{lengths:?}");
    net.assert_agreement();
}

#[test]
fn a_restart_from_a_cut_log_goes_on_with_the_same_commits_and_no_twin() {
    let mut net = Net::new();
    for round in 0..12 {
        work(&mut net, 17, all);
        let victim = round % 4;
        net.kill(victim);
        work(&mut net, 5, without(victim));
        // Compares what it decides again with what it decided before.
        net.restart(victim);
    }
    net.run(2_000, all);
    assert!(net.histories.iter().all(|history| history.snapshot.is_some() && history.adopted == 0));
    for author in 0..4 {
        assert!(net.commits(author) + 5 > net.commits(0));
    }
    net.assert_agreement();
}

#[test]
fn a_cluster_killed_whole_starts_again_from_cut_logs_and_loses_nothing() {
    let mut net = Net::new();
    work(&mut net, 100, all);
    (0..4).for_each(|author| net.submit(author, 7_000, &format!("last words of {author}")));
    // Durable, and heard by nobody.
    net.run(40, |_| false);
    assert!(net.histories.iter().all(|history| history.accepted.contains(&7_000)));
    (0..4).for_each(|author| net.kill(author));
    (0..4).for_each(|author| net.restart(author));
    net.run(3_000, all);
    for author in 0..4 {
        for witness in 0..4 {
            assert_eq!(net.ordered(witness, &format!("last words of {author}")), 1);
        }
    }
    net.assert_agreement();
}

#[test]
fn who_was_away_past_everything_that_is_kept_begins_at_a_snapshot() {
    let mut net = forgetful();
    net.run(200, all);
    net.kill(3);
    work(&mut net, 300, without(3));
    net.restart(3);
    net.run(3_000, all);
    assert_eq!(net.histories[3].adopted, 1);
    net.submit(3, 9_000, "back again");
    net.run(1_000, all);
    for author in 0..4 {
        assert_eq!(net.ordered(author, "back again"), 1, "at {author}");
    }
    net.assert_agreement();
    // What it has now is a log like any other.
    net.kill(3);
    net.restart(3);
    net.run(1_000, all);
    net.assert_agreement();
}

#[test]
fn one_liar_cannot_make_anybody_begin_at_its_snapshot() {
    let mut net = forgetful();
    net.run(200, all);
    net.kill(3);
    work(&mut net, 300, without(3));
    net.restart(3);
    // Only one peer's offers arrive.
    net.run(5_000, |it| !(matches!(it.message, Message::Snapshots { .. }) && it.from != 1));
    assert_eq!(net.histories[3].adopted, 0);
    net.run(3_000, all);
    assert_eq!(net.histories[3].adopted, 1);
    net.assert_agreement();
}

#[test]
fn a_snapshot_is_fetched_although_its_first_holder_falls_silent() {
    let mut net = forgetful();
    net.run(200, all);
    net.kill(3);
    work(&mut net, 300, without(3));
    net.restart(3);
    net.run(8_000, |it| !(matches!(it.message, Message::SnapshotPart { .. }) && it.from == 0));
    assert_eq!(net.histories[3].adopted, 1);
    net.assert_agreement();
}

#[test]
fn who_lost_its_disk_says_nothing_until_enough_have_told_it_what_it_said() {
    let mut net = Net::new();
    work(&mut net, 20, all);
    let before = net.round(3);
    net.lose_disk(3);
    net.restart(3);
    // One answer of three is fewer than f + 1.
    net.run(2_000, |it| !(matches!(it.message, Message::Latest { .. }) && it.from != 0));
    assert_eq!(net.histories[3].said.keys().next_back().copied(), Some(before));
    net.run(2_000, all);
    net.submit(3, 9_000, "I am back");
    net.run(1_000, all);
    assert!(net.histories[3].said.keys().next_back() > Some(&before));
    for author in 0..4 {
        assert_eq!(net.ordered(author, "I am back"), 1);
    }
    net.assert_agreement();
}

#[test]
fn who_lost_its_disk_long_ago_begins_at_a_snapshot() {
    let mut net = forgetful();
    work(&mut net, 100, all);
    net.lose_disk(2);
    work(&mut net, 200, without(2));
    net.restart(2);
    net.run(4_000, all);
    assert_eq!(net.histories[2].adopted, 1);
    net.submit(2, 9_000, "newcomer");
    net.run(1_000, all);
    for author in 0..4 {
        assert_eq!(net.ordered(author, "newcomer"), 1);
    }
    net.assert_agreement();
}
