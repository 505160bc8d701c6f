// Draws the DAG: a lane for each validator, rounds flowing left, edges to parents.
//
// Invariant: drawing reads and never changes the window; one path per kind of edge keeps a frame
// well under its sixteenth of a second even with a thousand edges.
import { blockRadius, laneHeight, roundsInView, TOP, xOf, yOf, type DagLayout } from './dag-layout';
import type { DagWindow, DrawnBlock } from './dag-window';

export interface Palette {
  edge: string;
  edgeCommitted: string;
  proposed: string;
  committed: string;
  committedOther: string;
  leader: string;
  surface: string;
  lane: string;
  text: string;
  fault: string;
}

export interface Scene {
  layout: DagLayout;
  window: DagWindow;
  palette: Palette;
  /** The block under the pointer. */
  focus: DrawnBlock | null;
}

/** Room that a round's number asks for. */
const ROUND_LABEL_PIXELS = 90;

/** Reads the registered colours of tokens.css, which arrive resolved for the current theme. */
export function paletteOf(style: CSSStyleDeclaration): Palette {
  const read = (name: string): string => style.getPropertyValue(`--dag-${name}`).trim();
  return {
    edge: read('edge'),
    edgeCommitted: read('edge-committed'),
    proposed: read('proposed'),
    committed: read('committed'),
    committedOther: read('committed-other'),
    leader: read('leader'),
    surface: read('surface'),
    lane: read('lane'),
    text: read('text'),
    fault: read('fault'),
  };
}

export function drawDag(context: CanvasRenderingContext2D, scene: Scene): void {
  const { layout, window } = scene;
  const { first, last } = roundsInView(layout);
  const blocks = [...window.between(first, last)];
  context.clearRect(0, 0, layout.width, layout.height);
  drawLanes(context, scene);
  drawRoundLabels(context, scene, first, last);
  drawEdges(context, scene, blocks);
  for (const block of blocks) drawBlock(context, scene, block);
  if (scene.focus) drawFocus(context, scene, scene.focus);
}

function drawLanes(context: CanvasRenderingContext2D, { layout, palette }: Scene): void {
  const height = laneHeight(layout);
  context.fillStyle = palette.lane;
  for (let lane = 0; lane < layout.lanes; lane += 2) {
    context.fillRect(0, TOP + lane * height, layout.width, height);
  }
}

function drawRoundLabels(
  context: CanvasRenderingContext2D,
  { layout, palette }: Scene,
  first: number,
  last: number,
): void {
  const every = [5, 10, 20].find((rounds) => rounds * layout.column >= ROUND_LABEL_PIXELS) ?? 20;
  context.fillStyle = palette.text;
  context.font = "10px 'Inter Variable', sans-serif";
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let round = Math.max(0, Math.ceil(first / every) * every); round <= last; round += every) {
    context.fillText(String(round), xOf(layout, round), TOP / 2);
  }
}

function drawEdges(
  context: CanvasRenderingContext2D,
  { layout, palette, window }: Scene,
  blocks: readonly DrawnBlock[],
): void {
  const pending = new Path2D();
  const committed = new Path2D();
  for (const block of blocks) {
    const x = xOf(layout, block.round);
    const y = yOf(layout, block.author);
    for (const [round, author] of block.parents) {
      const parent = window.block(round, author);
      const both = block.standing !== 'proposed' && parent?.standing !== 'proposed';
      const path = both ? committed : pending;
      const parentX = xOf(layout, round);
      const bend = (x - parentX) * 0.45;
      path.moveTo(x, y);
      path.bezierCurveTo(x - bend, y, parentX + bend, yOf(layout, author), parentX, yOf(layout, author));
    }
  }
  // Close columns have more edges to a pixel: thinner ones leave the blocks readable.
  context.lineWidth = Math.min(layout.column / 24, 1);
  context.strokeStyle = palette.edge;
  context.stroke(pending);
  context.strokeStyle = palette.edgeCommitted;
  context.stroke(committed);
}

function drawBlock(context: CanvasRenderingContext2D, scene: Scene, block: DrawnBlock): void {
  const { layout, palette } = scene;
  const x = xOf(layout, block.round);
  const y = yOf(layout, block.author);
  const radius = blockRadius(layout, block.transactions);
  if (block.standing === 'leader') {
    context.globalAlpha = 0.22;
    context.fillStyle = palette.leader;
    circle(context, x, y, radius * 1.75);
    context.fill();
    context.globalAlpha = 1;
    circle(context, x, y, radius * 1.08);
    context.fill();
  } else if (block.standing === 'committed') {
    // Neighbouring commits differ in shade, so that one can see what each of them ordered.
    context.fillStyle = (block.commitIndex ?? 0) % 2 === 0 ? palette.committed : palette.committedOther;
    square(context, x, y, radius);
    context.fill();
  } else {
    context.fillStyle = palette.surface;
    context.strokeStyle = palette.proposed;
    context.lineWidth = 1.4;
    square(context, x, y, radius);
    context.fill();
    context.stroke();
  }
  if (block.equivocated === 'yes') {
    context.strokeStyle = palette.fault;
    context.lineWidth = 2;
    square(context, x, y, radius + 3);
    context.stroke();
  }
}

/** The block under the pointer and the edges to its parents, above everything else. */
function drawFocus(context: CanvasRenderingContext2D, scene: Scene, block: DrawnBlock): void {
  const { layout, palette } = scene;
  const x = xOf(layout, block.round);
  const y = yOf(layout, block.author);
  context.strokeStyle = palette.text;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const [round, author] of block.parents) {
    context.moveTo(x, y);
    context.lineTo(xOf(layout, round), yOf(layout, author));
  }
  context.stroke();
  drawBlock(context, scene, block);
  context.strokeStyle = palette.text;
  context.lineWidth = 1.5;
  square(context, x, y, blockRadius(layout, block.transactions) + 4);
  context.stroke();
}

function square(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.roundRect(x - radius, y - radius, radius * 2, radius * 2, 2);
}

function circle(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
}
