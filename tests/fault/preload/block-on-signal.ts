// Loaded into a process of the product before its own program: SIGUSR2 then blocks the event loop,
// as a runaway computation would.
const BLOCK_MS = 5000

process.on('SIGUSR2', () => {
  const endsAt = performance.now() + BLOCK_MS
  while (performance.now() < endsAt);
})
