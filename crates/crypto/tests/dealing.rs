//! The claims of the dealings: one key for all, its threshold, proofs against liars, help for the cheated, and
//! handing on.

#![allow(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

use core::num::NonZeroU32;

use crypto::{
    Coin, CoinError, CoinShare, CoinValue, Dealing, DealingShare, Digest, Opening, OpeningKey, Terms,
    TermsError, ThresholdCoin, ThresholdKey, ThresholdShare, combine, deal, deal_by,
};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, proptest};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn context(number: u8) -> Digest {
    Digest::of("clockless test", &[number])
}

/// Opening keys of members that are told apart by `first`.
fn openers(first: u8, size: u16) -> Vec<OpeningKey> {
    (0..size).map(|member| OpeningKey::from_secret(&[first + u8::try_from(member).unwrap(); 32])).collect()
}

fn terms(openers: &[OpeningKey], previous: Option<ThresholdKey>) -> Terms {
    Terms::new(context(1), openers.iter().map(OpeningKey::sealing_key).collect(), previous).unwrap()
}

/// What every dealer deals, as it comes off the wire.
fn dealings(terms: &Terms, shares: Option<&[ThresholdShare]>) -> Vec<Dealing> {
    let made = (0..terms.dealers()).map(|dealer| {
        let share = shares.map(|shares| &shares[usize::from(dealer)]);
        let dealing = deal_by(&mut rng(u8::try_from(dealer).unwrap()), terms, dealer, share).unwrap();
        Dealing::decode(&dealing.encode(), terms, dealer).unwrap()
    });
    made.collect()
}

/// The key and everybody's share by these dealers' dealings.
fn run(
    terms: &Terms,
    openers: &[OpeningKey],
    dealings: &[Dealing],
    dealers: &[u16],
) -> (ThresholdKey, Vec<ThresholdShare>) {
    let chosen: Vec<(u16, &Dealing)> =
        dealers.iter().map(|dealer| (*dealer, &dealings[usize::from(*dealer)])).collect();
    let key = combine(terms, &chosen).unwrap();
    let share_of = |(me, opener): (u16, &OpeningKey)| {
        let shares: Vec<(u16, DealingShare)> = chosen
            .iter()
            .map(|(dealer, dealing)| (*dealer, dealing.open(terms, *dealer, me, opener).unwrap().share()))
            .collect();
        ThresholdShare::combine(terms, me, &shares).unwrap()
    };
    (key, (0..).zip(openers).map(share_of).collect())
}

fn fresh(size: u16) -> (ThresholdKey, Vec<ThresholdShare>) {
    let openers = openers(10, size);
    let terms = terms(&openers, None);
    let first: Vec<u16> = (0..terms.dealings_needed()).collect();
    run(&terms, &openers, &dealings(&terms, None), &first)
}

fn coins(key: &ThresholdKey, shares: &[ThresholdShare]) -> Vec<ThresholdCoin> {
    let coin = |share: &ThresholdShare| ThresholdCoin::new(key.clone(), share.clone(), 1).unwrap();
    shares.iter().map(coin).collect()
}

fn said(coins: &[ThresholdCoin], members: &[u16]) -> Vec<(u16, CoinShare)> {
    members.iter().map(|member| (*member, coins[usize::from(*member)].share(5))).collect()
}

fn value(key: &ThresholdKey, shares: &[ThresholdShare]) -> CoinValue {
    let coins = coins(key, shares);
    let all: Vec<u16> = (0..u16::try_from(coins.len()).unwrap()).collect();
    coins[0].recover(5, &said(&coins, &all)).unwrap()
}

#[test]
fn every_quorum_of_every_size_makes_the_same_coin_and_fewer_make_none() {
    for (size, need) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (7, 5), (10, 7)] {
        let (key, shares) = fresh(size);
        let coins = coins(&key, &shares);
        let expected = value(&key, &shares);
        for first in 0..size {
            let members: Vec<u16> = (0..need).map(|step| (first + step) % size).collect();
            assert_eq!(coins[0].recover(5, &said(&coins, &members)), Ok(expected), "{members:?} of {size}");
            let fewer = said(&coins, &members[1..]);
            let too_few = CoinError::TooFew { have: u32::from(need) - 1, need: u32::from(need) };
            assert_eq!(coins[0].recover(5, &fewer), Err(too_few));
        }
    }
}

#[test]
fn other_dealers_make_another_key_and_the_wrong_number_makes_none() {
    let openers = openers(10, 4);
    let terms = terms(&openers, None);
    let dealings = dealings(&terms, None);
    let (one, _) = run(&terms, &openers, &dealings, &[0, 1, 2]);
    let (same, _) = run(&terms, &openers, &dealings, &[2, 0, 1]);
    let (other, _) = run(&terms, &openers, &dealings, &[0, 1, 3]);
    assert_eq!(one, same);
    assert!(!one.has_same_public_as(&other));
    for wrong in [&[0, 1][..], &[0, 1, 2, 3], &[0, 1, 1]] {
        let chosen: Vec<_> = wrong.iter().map(|dealer| (*dealer, &dealings[usize::from(*dealer)])).collect();
        assert_eq!(combine(&terms, &chosen), None, "{wrong:?}");
    }
}

/// Where the sealing of `receiver` begins in a dealing of four.
fn sealing_at(terms: &Terms, receiver: usize) -> usize {
    let sealing = (1 + 3) * 32 + 128;
    Dealing::size(terms) - (4 - receiver) * sealing
}

#[test]
fn a_wrong_sealing_is_proven_to_everybody_and_a_right_one_cannot_be_blamed() {
    let openers = openers(10, 4);
    let terms = terms(&openers, None);
    let honest = deal_by(&mut rng(1), &terms, 1, None).unwrap();
    let other = deal_by(&mut rng(2), &terms, 1, None).unwrap().encode();
    // Receiver 2 is sealed a right share, of another polynomial.
    let mut bytes = honest.encode();
    let from = sealing_at(&terms, 2);
    let to = sealing_at(&terms, 3);
    bytes[from..to].copy_from_slice(&other[from..to]);
    let lying = Dealing::decode(&bytes, &terms, 1).unwrap();
    for me in [0, 1, 3] {
        assert!(lying.open(&terms, 1, me, &openers[usize::from(me)]).is_ok());
    }
    let proof = lying.open(&terms, 1, 2, &openers[2]).unwrap_err();
    assert!(lying.is_refuted_by(&terms, 1, 2, &proof));
    // The same words prove nothing about another dealing, dealer or receiver, nor do made-up ones.
    assert!(!honest.is_refuted_by(&terms, 1, 2, &proof));
    assert!(!lying.is_refuted_by(&terms, 0, 2, &proof));
    assert!(!lying.is_refuted_by(&terms, 1, 3, &proof));
    assert!(!lying.is_refuted_by(&terms, 1, 9, &proof));
    assert!(!lying.is_refuted_by(&terms, 1, 2, &Opening([7; 96])));
    // With someone else's key nothing opens, which proves nothing.
    let foreign = lying.open(&terms, 1, 0, &openers[3]).unwrap_err();
    assert!(!lying.is_refuted_by(&terms, 1, 0, &foreign));
    // Bytes that open to nothing are as wrong as a wrong share.
    bytes[from + 130] ^= 1;
    let garbled = Dealing::decode(&bytes, &terms, 1).unwrap();
    let proof = garbled.open(&terms, 1, 2, &openers[2]).unwrap_err();
    assert!(garbled.is_refuted_by(&terms, 1, 2, &proof));
}

#[test]
fn a_cheated_receiver_gets_its_share_from_any_f_plus_1_others_and_lies_are_seen() {
    let openers = openers(10, 7);
    let terms = terms(&openers, None);
    let dealings = dealings(&terms, None);
    let dealt = &dealings[3];
    let truth = dealt.open(&terms, 3, 6, &openers[6]).unwrap().share();
    let points: Vec<_> = [5u16, 0, 2, 1]
        .into_iter()
        .map(|helper| {
            let holding = dealt.open(&terms, 3, helper, &openers[usize::from(helper)]).unwrap();
            (helper, holding.point_for(6))
        })
        .collect();
    for (helper, point) in &points {
        assert!(dealt.is_point_of(6, *helper, point));
        assert!(!dealt.is_point_of(5, *helper, point));
        assert!(!dealt.is_point_of(6, helper + 1, point));
        assert!(!dealings[2].is_point_of(6, *helper, point));
    }
    assert_eq!(terms.helpers_needed(), 3);
    assert!(dealt.recover(&terms, &points[..2]).is_none());
    let others: Vec<(u16, DealingShare)> = [0u16, 1, 2, 4]
        .into_iter()
        .map(|dealer| {
            (dealer, dealings[usize::from(dealer)].open(&terms, dealer, 6, &openers[6]).unwrap().share())
        })
        .collect();
    let with = |share: DealingShare| {
        let all: Vec<_> = others.iter().cloned().chain([(3, share)]).collect();
        ThresholdShare::combine(&terms, 6, &all).unwrap().encode()
    };
    let expected = with(truth);
    for chosen in [&points[..3], &points[1..], &points] {
        assert_eq!(with(dealt.recover(&terms, chosen).unwrap()), expected);
    }
}

#[test]
fn handing_on_keeps_the_key_and_its_coins_while_members_leave_and_join() {
    for (old, new) in [(4u16, 4u16), (4, 7), (7, 4), (5, 6), (1, 4), (4, 1)] {
        let (key, shares) = fresh(old);
        let openers = openers(90, new);
        let terms = terms(&openers, Some(key.clone()));
        assert_eq!((terms.dealers(), terms.receivers()), (old, new));
        let dealings = dealings(&terms, Some(&shares));
        // Any dealers will do, the last ones say.
        let last: Vec<u16> = (old - terms.dealings_needed()..old).collect();
        let (next, handed_on) = run(&terms, &openers, &dealings, &last);
        assert!(next.has_same_public_as(&key));
        assert_eq!(value(&next, &handed_on), value(&key, &shares), "{old} to {new}");
    }
}

#[test]
fn old_shares_are_worth_nothing_after_a_refresh_and_do_not_mix_with_new_ones() {
    let (key, shares) = fresh(4);
    let openers = openers(10, 4);
    let terms = terms(&openers, Some(key.clone()));
    let (next, refreshed) = run(&terms, &openers, &dealings(&terms, Some(&shares)), &[0, 2, 3]);
    assert_ne!(key, next);
    let (old, new) = (coins(&key, &shares), coins(&next, &refreshed));
    let mixed = [(0, old[0].share(5)), (1, new[1].share(5)), (2, new[2].share(5))];
    assert_eq!(new[1].recover(5, &mixed), Err(CoinError::WrongShares { authors: vec![0] }));
    for (share, refreshed) in shares.iter().zip(&refreshed) {
        assert!(ThresholdCoin::new(next.clone(), share.clone(), 1).is_none());
        assert!(ThresholdCoin::new(key.clone(), refreshed.clone(), 1).is_none());
    }
}

#[test]
fn a_dealer_cannot_hand_on_another_secret_than_its_share() {
    let (key, shares) = deal(rng(3), NonZeroU32::new(4).unwrap());
    let openers = openers(10, 4);
    let terms = terms(&openers, Some(key));
    let of_another = deal_by(&mut rng(1), &terms, 1, Some(&shares[2])).unwrap().encode();
    assert!(Dealing::decode(&of_another, &terms, 1).is_none());
    assert!(Dealing::decode(&of_another, &terms, 2).is_some());
    assert!(Dealing::decode(&of_another, &terms, 4).is_none());
    assert!(deal_by(&mut rng(1), &terms, 1, None).is_none());
}

#[test]
fn terms_that_cannot_be_say_why() {
    let keys = |size: u16| openers(0, size).iter().map(OpeningKey::sealing_key).collect::<Vec<_>>();
    let failed = |keys| Terms::new(context(1), keys, None).unwrap_err();
    assert_eq!(failed(vec![]), TermsError::Receivers { have: 0, need: 256 });
    assert_eq!(failed(vec![keys(1)[0]; 257]), TermsError::Receivers { have: 257, need: 256 });
    let mut wrong = keys(3);
    wrong[1] = crypto::SealingKey([0xff; 48]);
    assert_eq!(failed(wrong), TermsError::BadKey { receiver: 1 });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn any_dealers_in_any_order_make_a_key_that_every_receiver_shares(
        size in 4u16..8,
        order in Just((0..7u16).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let openers = openers(30, size);
        let terms = terms(&openers, None);
        let need = usize::from(terms.dealings_needed());
        let dealers: Vec<u16> = order.into_iter().filter(|dealer| *dealer < size).take(need).collect();
        let (key, shares) = run(&terms, &openers, &dealings(&terms, None), &dealers);
        let coins = coins(&key, &shares);
        prop_assert_eq!(coins.len(), usize::from(size));
        let quorum = said(&coins, &dealers);
        prop_assert_eq!(coins[0].recover(5, &quorum), Ok(value(&key, &shares)));
    }

    #[test]
    fn any_bytes_are_a_dealing_or_none(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), at in 0usize..2000) {
        let openers = openers(10, 4);
        let terms = terms(&openers, None);
        prop_assert_eq!(Dealing::decode(&bytes, &terms, 0), None);
        let mut near = deal_by(&mut rng(1), &terms, 0, None).unwrap().encode();
        let at = at % near.len();
        near[at] ^= 0x55;
        // Changed commitments are no points, or no one's share fits; changed sealings are refuted by their receiver.
        if let Some(dealing) = Dealing::decode(&near, &terms, 0) {
            let refuted = (0u16..4).any(|me| dealing.open(&terms, 0, me, &openers[usize::from(me)]).is_err());
            proptest::prop_assert!(refuted);
        }
    }
}
