// The DAG window stays bounded and honest; the playhead flows and never overtakes.
import { describe, expect, it } from 'vitest';
import { authorAt, roundAt, roundsInView, xOf, yOf, type DagLayout } from '../../src/network/dag-layout';
import { DagWindow, ROUNDS_KEPT } from '../../src/network/dag-window';
import { extend, SAMPLES_KEPT, sparkline } from '../../src/network/history';
import { COLUMN_MIN, Pace } from '../../src/network/pace';
import { Playhead } from '../../src/network/playhead';
import type { DagBlock, DagUpdate } from '../../src/protocol/messages';

function block(round: number, author: number, digest = `${round}${author}`): DagBlock {
  return { round, author, digest, parents: round > 1 ? [[round - 1, author]] : [], transactions: 3 };
}

function grown(rounds: number, authors = 4): DagUpdate {
  const blocks = Array.from({ length: rounds * authors }, (_, at) =>
    block(1 + Math.floor(at / authors), at % authors),
  );
  return { blocks, commits: [] };
}

describe('DAG window', () => {
  it('a block is proposed until a commit names it, and its leader is lit', () => {
    const dag = new DagWindow();
    dag.apply(grown(3), 0);
    expect(dag.block(2, 1)?.standing).toBe('proposed');
    dag.apply(
      {
        blocks: [],
        commits: [
          {
            index: 7,
            leader: [2, 1],
            blocks: [
              [1, 0],
              [1, 1],
              [2, 1],
            ],
          },
        ],
      },
      1,
    );
    expect(dag.block(2, 1)).toMatchObject({ standing: 'leader', commitIndex: 7 });
    expect(dag.block(1, 0)).toMatchObject({ standing: 'committed', commitIndex: 7 });
    expect(dag.block(1, 2)?.standing).toBe('proposed');
    expect(dag.lastCommit).toBe(7);
  });

  it('a block and the commit that names it may come in one message', () => {
    const dag = new DagWindow();
    dag.apply({ blocks: [block(1, 0)], commits: [{ index: 1, leader: [1, 0], blocks: [[1, 0]] }] }, 0);
    expect(dag.block(1, 0)?.standing).toBe('leader');
  });

  it('a later commit does not take a block from the first', () => {
    const dag = new DagWindow();
    dag.apply(grown(2), 0);
    dag.apply({ blocks: [], commits: [{ index: 4, leader: [1, 0], blocks: [[1, 0]] }] }, 0);
    dag.apply(
      {
        blocks: [],
        commits: [
          {
            index: 5,
            leader: [2, 0],
            blocks: [
              [1, 0],
              [2, 0],
            ],
          },
        ],
      },
      0,
    );
    expect(dag.block(1, 0)).toMatchObject({ standing: 'leader', commitIndex: 4 });
  });

  it('keeps a bounded number of rounds however many come', () => {
    const dag = new DagWindow();
    dag.apply(grown(ROUNDS_KEPT * 3, 2), 0);
    expect(dag.size).toBe(ROUNDS_KEPT);
    expect(dag.newestRound).toBe(ROUNDS_KEPT * 3);
    expect([...dag.between(0, dag.newestRound)]).toHaveLength(ROUNDS_KEPT * 2);
    dag.apply({ blocks: [block(1, 0)], commits: [{ index: 1, leader: [1, 0], blocks: [[1, 0]] }] }, 0);
    expect(dag.block(1, 0)).toBeUndefined();
  });

  it('two digests at one place show an equivocation, a repeated block does not', () => {
    const dag = new DagWindow();
    dag.apply({ blocks: [block(1, 0), block(1, 0), block(1, 1)], commits: [] }, 0);
    expect(dag.block(1, 0)?.equivocated).toBe('no');
    dag.apply({ blocks: [block(1, 1, 'other')], commits: [] }, 0);
    expect(dag.block(1, 1)?.equivocated).toBe('yes');
  });

  it('starts over when cleared', () => {
    const dag = new DagWindow();
    dag.apply(grown(5), 0);
    dag.clear();
    expect([dag.size, dag.newestRound, dag.lastCommit]).toEqual([0, 0, null]);
  });
});

describe('playhead', () => {
  it('closes in on the newest round and never passes it', () => {
    const playhead = new Playhead();
    playhead.jump(100);
    let before = playhead.round;
    for (let frame = 0; frame < 300; frame += 1) {
      playhead.advance(110, 16);
      expect(playhead.round).toBeGreaterThanOrEqual(before);
      expect(playhead.round).toBeLessThanOrEqual(110);
      before = playhead.round;
    }
    expect(playhead.round).toBe(110);
    expect(playhead.advance(110, 16)).toBe('still');
  });

  it('jumps when it is too far behind, or when the DAG started over', () => {
    const playhead = new Playhead();
    playhead.advance(5_000, 16);
    expect(playhead.round).toBe(5_000);
    playhead.advance(3, 16);
    expect(playhead.round).toBe(3);
  });
});

describe('pace', () => {
  function paced(roundsPerMessage: number): Pace {
    const pace = new Pace();
    for (let message = 0; message < 20; message += 1)
      pace.observe(100 + message * roundsPerMessage, message * 250);
    return pace;
  }

  it('is the rounds a second of the last messages', () => {
    expect(paced(3).roundsPerSecond()).toBeCloseTo(12);
    expect(new Pace().roundsPerSecond()).toBeNull();
  });

  it('narrows columns when rounds rush, within limits', () => {
    expect(new Pace().columnWidth(28)).toBe(28);
    expect(paced(1).columnWidth(28)).toBe(28);
    expect(paced(5).columnWidth(28)).toBeCloseTo(18);
    expect(paced(100).columnWidth(28)).toBe(COLUMN_MIN);
  });

  it('starts over when the DAG does', () => {
    const pace = paced(3);
    pace.observe(1, 6_000);
    expect(pace.roundsPerSecond()).toBeNull();
  });
});

describe('layout', () => {
  const layout: DagLayout = { width: 600, height: 200, lanes: 4, column: 24, head: 50.4 };

  it('what is drawn at a place is found there', () => {
    for (const round of [31, 40, 50]) expect(roundAt(layout, xOf(layout, round))).toBe(round);
    for (const author of [0, 1, 2, 3]) expect(authorAt(layout, yOf(layout, author))).toBe(author);
  });

  it('rounds in view cover the canvas', () => {
    const { first, last } = roundsInView(layout);
    expect(xOf(layout, first)).toBeLessThanOrEqual(0);
    expect(last).toBe(51);
  });
});

describe('sparkline', () => {
  it('never grows past its limit', () => {
    let series: (number | null)[] = [];
    for (let sample = 0; sample < SAMPLES_KEPT * 2; sample += 1) series = extend(series, sample);
    expect(series).toHaveLength(SAMPLES_KEPT);
    expect(series.at(-1)).toBe(SAMPLES_KEPT * 2 - 1);
  });

  it('a missing sample breaks the line', () => {
    expect(sparkline([1, null, 2, 3], 100, 20).match(/M/g)).toHaveLength(2);
  });

  it('ends at the right edge and puts the largest at the top', () => {
    expect(sparkline([0, 10], 100, 20)).toMatch(/L100\.0 1\.0$/);
    expect(sparkline([0, 0], 100, 20)).toMatch(/L100\.0 19\.0$/);
  });
});
