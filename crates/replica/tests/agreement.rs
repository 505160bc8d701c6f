//! What a validator's agreement keeps to when peers die, come back, or send nonsense.

mod support;

use commonware_codec::EncodeSize;
use replica::agreement::{Input, Output, Pacing, SYNC_LAG};
use support::{GC_DEPTH, Letter, Net, agreement, all, transaction};
use wire::{
    Author, Blob, List, Message, Round, WorkerMessage,
    limits::{ANSWER_ITEMS_MAX, MESSAGE_BYTES_MAX},
};

/// Nothing to or from a validator arrives.
fn without(author: u16) -> impl Fn(&Letter) -> bool {
    move |letter| letter.from != author && letter.to != author
}

#[test]
fn what_is_submitted_anywhere_is_ordered_everywhere_once() {
    let mut net = Net::new();
    for author in 0..4 {
        net.submit(author, u64::from(author), &format!("from {author}"));
    }
    net.run(500, all);
    for author in 0..4 {
        let history = &net.histories[usize::from(author)];
        assert_eq!(history.accepted, [u64::from(author)].into());
        assert_eq!(history.finals, history.accepted);
        for other in 0..4 {
            assert_eq!(net.ordered(author, &format!("from {other}")), 1);
        }
    }
    net.assert_agreement();
}

#[test]
fn whoever_went_ahead_is_followed_at_once() {
    let slow = Pacing { heartbeat_ms: 60_000, ..Pacing::default() };
    let mut net = Net::paced(slow);
    net.submit(0, 1, "first");
    net.run(500, all);
    // One goes ahead with nothing to say; it cannot say more before a quorum is where it is.
    net.repace(0, Pacing { heartbeat_ms: 20, ..slow });
    net.run(100, all);
    net.repace(0, slow);
    net.submit(0, 2, "second");
    net.run(500, all);
    assert_eq!(net.histories[0].finals, [1, 2].into());
    net.assert_agreement();
}

#[test]
fn a_batch_whose_author_is_gone_comes_from_whoever_built_on_it() {
    for holder in 0..3 {
        let mut net = Net::new();
        net.run(50, all);
        net.submit(3, 1, "orphan");
        // With work to do, the others go on as far as they can at once, and then say nothing new.
        (0..3).for_each(|author| net.submit(author, 2, &format!("work of {author}")));
        // The batch reaches one validator, the block that carries it all; then its author dies.
        net.run(100, |it| !(it.from == 3 && it.to != holder && is_batch(&it.message)));
        net.kill(3);
        net.run(5_000, without(3));
        for author in 0..3 {
            assert_eq!(net.ordered(author, "orphan"), 1, "at {author}, when {holder} holds the batch");
        }
        let before = net.commits(0);
        net.run(1_000, without(3));
        assert!(net.commits(0) > before, "three of four go on");
        net.assert_agreement();
    }
}

#[test]
fn blocks_that_were_lost_are_asked_for() {
    let mut net = Net::new();
    // Validator 2 hears nothing of validator 0 but what others tell it.
    net.submit(0, 1, "roundabout");
    net.run(3_000, |it| !(it.from == 0 && it.to == 2));
    assert_eq!(net.ordered(2, "roundabout"), 1);
    net.assert_agreement();
}

#[test]
fn who_was_away_catches_up_and_takes_part_again() {
    let mut net = Net::new();
    net.run(100, all);
    let left = net.commits(3);
    net.kill(3);
    for ticket in 0..200 {
        net.submit(0, ticket, &format!("meanwhile {ticket}"));
        net.run(20, without(3));
    }
    assert!(net.round(0) > 100, "far more rounds than are fetched one by one");
    assert_eq!(net.commits(3), left);
    net.restart(3);
    net.run(2_000, all);
    assert_eq!(net.ordered(3, "meanwhile 199"), 1);
    assert!(net.round(3) + 3 >= net.round(0), "{} of {}", net.round(3), net.round(0));
    net.submit(3, 7, "back again");
    net.run(500, all);
    assert!(net.histories[3].finals.contains(&7));
    net.assert_agreement();
}

#[test]
fn who_was_away_knows_how_far_behind_it_is_and_nobody_else_is_behind() {
    let mut net = Net::new();
    net.run(100, all);
    net.kill(3);
    for ticket in 0..200 {
        net.submit(0, ticket, &format!("meanwhile {ticket}"));
        net.run(20, without(3));
        assert!((0..3).all(|author| net.behind(author) <= SYNC_LAG));
    }
    net.restart(3);
    // It hears the others, and nobody hears what it asks for.
    net.run(100, |it| it.from != 3);
    assert!(net.behind(3) > 5 * SYNC_LAG, "{} rounds", net.behind(3));
    assert!((0..3).all(|author| net.behind(author) <= SYNC_LAG));
    net.run(2_000, all);
    assert!(net.behind(3) <= SYNC_LAG, "{} rounds", net.behind(3));
    // Where all begin anew, nobody is ahead of anybody.
    (0..4).for_each(|author| net.kill(author));
    (0..4).for_each(|author| net.restart(author));
    for _ in 0..100 {
        net.run(5, all);
        assert!((0..4).all(|author| net.behind(author) <= SYNC_LAG));
    }
}

#[test]
fn what_was_carried_under_the_floor_is_carried_again() {
    let mut net = Net::new();
    net.run(50, all);
    // Validator 3 accepts a transaction and carries it in a block that nobody hears of.
    net.submit(3, 1, "buried");
    net.run(100, without(3));
    assert!(net.histories[3].accepted.contains(&1));
    let carried_at = net.round(3);
    for ticket in 100..300 {
        net.submit(0, ticket, &format!("time passes {ticket}"));
        net.run(10, without(3));
    }
    assert!(net.round(0) > carried_at + 2 * GC_DEPTH, "the floor is above the carrier");
    assert_eq!(net.ordered(0, "buried"), 0);
    net.run(3_000, all);
    assert_eq!(net.ordered(0, "buried"), 1);
    assert!(net.histories[3].finals.contains(&1), "the client that still waits is told");
    net.assert_agreement();
}

#[test]
fn a_restart_decides_the_same_and_says_nothing_else() {
    let mut net = Net::new();
    for ticket in 0..60 {
        let author = u16::try_from(ticket % 4).unwrap();
        net.submit(author, ticket, &format!("work {ticket}"));
        net.run(10, all);
        // Every so often somebody dies in the middle of it, and everybody once.
        let victims = match ticket {
            30 => 0..4,
            _ if ticket % 7 == 0 => author..author + 1,
            _ => 0..0,
        };
        victims.clone().for_each(|victim| net.kill(victim));
        victims.for_each(|victim| net.restart(victim));
    }
    net.run(2_000, all);
    for author in 0..4 {
        for ticket in net.histories.iter().flat_map(|history| &history.accepted) {
            assert_eq!(net.ordered(author, &format!("work {ticket}")), 1, "{ticket} at {author}");
        }
    }
    assert!(net.histories.iter().map(|it| it.accepted.len()).sum::<usize>() > 40);
    net.assert_agreement();
}

#[test]
fn a_client_is_refused_while_too_much_is_on_its_way() {
    // Two workers share it, and a client alone takes half of its worker's part.
    let mut one = agreement(0, Pacing { open_bytes_max: 400, ..Pacing::default() });
    let mut out = Vec::new();
    for ticket in 0..3 {
        let input = Input::Submit { client: 0, ticket, transaction: transaction(&"x".repeat(60)) };
        one.step(num::Timestamp::from_millis(1), input, &mut out);
    }
    let refused: Vec<u64> = out
        .iter()
        .filter_map(|it| match it {
            Output::Refused { ticket, busy } => {
                assert!(busy.have >= busy.need);
                Some(*ticket)
            }
            _ => None,
        })
        .collect();
    assert_eq!(refused, [2]);
}

/// What validator 0 makes of one message from validator 2.
fn hear(message: Message) -> Vec<Output> {
    let mut out = Vec::new();
    let input = Input::Message { from: Author(2), message };
    agreement(0, Pacing::default()).step(num::Timestamp::from_millis(1), input, &mut out);
    out
}

fn of_worker(message: WorkerMessage) -> Message {
    Message::Worker { worker: 0, message }
}

fn is_batch(message: &Message) -> bool {
    matches!(message, Message::Worker { message: WorkerMessage::Batch { .. }, .. })
}

fn blames(outputs: &[Output]) -> Vec<u16> {
    let blamed = |it: &Output| match it {
        Output::Fault { peer, .. } => Some(peer.0),
        _ => None,
    };
    outputs.iter().filter_map(blamed).collect()
}

#[test]
fn nonsense_is_its_sender_s_fault_and_nothing_is_kept_of_it() {
    let noise = || vec![7; 50];
    let nonsense = [
        Message::Block { block: Blob::new(noise()).unwrap() },
        of_worker(WorkerMessage::Batch { batch: Blob::new(noise()).unwrap() }),
        Message::Blocks { blocks: List::new(vec![Blob::new(noise()).unwrap()]).unwrap() },
        of_worker(WorkerMessage::Batches {
            batches: List::new(vec![Blob::new(Vec::new()).unwrap()]).unwrap(),
        }),
        of_worker(WorkerMessage::Batch { batch: batch_of(9, 1) }),
        of_worker(WorkerMessage::Batch { batch: batch_of(2, 99) }),
    ];
    for message in nonsense {
        let out = hear(message.clone());
        assert_eq!(blames(&out), [2], "{message:?}");
        assert!(!out.iter().any(|it| matches!(it, Output::Persist { .. })), "{message:?}");
    }
    let unasked = hear(of_worker(WorkerMessage::Batch { batch: batch_of(1, 1) }));
    assert!(blames(&unasked).is_empty(), "a late answer is nobody's fault");
    assert!(!unasked.iter().any(|it| matches!(it, Output::Persist { .. })), "and nobody's to keep");
    let own = hear(of_worker(WorkerMessage::Batch { batch: batch_of(2, 1) }));
    assert!(own.iter().any(|it| matches!(it, Output::Persist { .. })), "its own is kept");
}

fn batch_of<const MAX: usize>(author: u16, epoch: u64) -> Blob<MAX> {
    use commonware_codec::Encode;
    let transactions = List::new(vec![transaction("x")]).expect("one");
    let batch = wire::Batch { epoch, author: Author(author), worker: 0, sequence: 1, transactions };
    Blob::new(batch.encode()).expect("a small batch")
}

#[test]
fn an_answer_fits_one_message_however_much_is_asked_for() {
    let mut net = Net::new();
    for ticket in 0..300 {
        net.submit(0, ticket, &format!("{ticket} {}", "x".repeat(16_000)));
        net.run(5, all);
    }
    let digests: Vec<_> =
        net.histories[0].commits.iter().flat_map(|it| &it.commit.blocks).map(|block| block.digest).collect();
    assert!(digests.len() > ANSWER_ITEMS_MAX / 2);
    let sizes = std::cell::RefCell::new(Vec::new());
    net.step(0, Input::Message { from: Author(1), message: Message::FetchRounds { from: Round(1) } });
    let batches = net.histories[0].batches.clone();
    for part in batches.chunks(wire::limits::FETCH_MAX) {
        for worker in 0..2 {
            let message = WorkerMessage::Fetch { batches: List::new(part.to_vec()).unwrap() };
            let message = Message::Worker { worker, message };
            net.step(0, Input::Message { from: Author(1), message });
        }
    }
    net.deliver(|letter| {
        sizes.borrow_mut().push(letter.message.encode_size());
        false
    });
    let sizes = sizes.into_inner();
    assert!(sizes.iter().sum::<usize>() > 2 * MESSAGE_BYTES_MAX, "there was much to tell: {sizes:?}");
    assert!(sizes.iter().all(|size| *size <= MESSAGE_BYTES_MAX), "{sizes:?}");
}
