// Loaded into a process of the product before its program: SIGUSR2 blocks the event loop, like a
// runaway computation.
const BLOCK_MS = 5000

process.on('SIGUSR2', () => {
  const endsAt = performance.now() + BLOCK_MS
  while (performance.now() < endsAt);
})
