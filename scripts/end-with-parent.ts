/**
 * Asks this process to stop when its parent is gone. A server in its own session would not notice,
 * and would keep its port forever.
 */
export function endWithParent(): void {
  if (!process.connected) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // The listener alone would keep a finished process open.
  process.channel?.unref()
}
