/**
 * How often viewers are shown more of a reply, at most, in milliseconds. As long as people take for
 * at once (Nielsen, Usability Engineering, 1993): each frame costs a way through three processes.
 */
export const DELTA_INTERVAL_MS = 100
