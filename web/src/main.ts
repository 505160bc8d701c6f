// Starts the page: one link to the gateway that served it, one state, one component tree.
import { mount } from 'svelte';
import App from './App.svelte';
import { browserSurroundings, gatewayUrl } from './protocol/browser';
import { Link } from './protocol/link';
import { Terminal } from './state/terminal.svelte';
import './styles/base.css';

const target = document.getElementById('app');
if (!target) throw new Error('invariant: index.html has an element #app');

const link = new Link(gatewayUrl(location), browserSurroundings);
const terminal = new Terminal(
  link,
  () => performance.now(),
  (run) => requestAnimationFrame(run),
);

mount(App, { target, props: { terminal } });
