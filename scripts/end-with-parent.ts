/**
 * Asks this process to stop when the one that started it is gone. A server in a session of its own
 * would not notice, and would keep its port for ever.
 */
export function endWithParent(): void {
  if (!process.connected) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // Listening alone would keep a process open that is done.
  process.channel?.unref()
}
