// Runs before the first paint, so that the page never flashes in the wrong theme.
try {
  const chosen = localStorage.getItem('clockless.theme');
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be blocked; the operating system's preference then decides.
}
