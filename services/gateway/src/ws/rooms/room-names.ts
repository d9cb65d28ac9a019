/** Everybody who has the session open, on every gateway. */
export function sessionRoom(sessionId: string): string {
  return `session:${sessionId}`
}

/** Every connection of one user, on every gateway. */
export function userRoom(userId: string): string {
  return `user:${userId}`
}
