// How Svelte compiles here: runes everywhere, so that reactivity is always spelled out.
export default {
  compilerOptions: { runes: true },
};
