/**
 * How the audit log notes an event or a route, if somebody uses it who is not the owner of the
 * session, or if it is for operators or admins only. `each`: one entry a call. `minute`: one entry a
 * minute for the same actor, call and subject, because reading on is one reading. `none`: it shows and
 * changes nothing of others.
 */
export type Audited = 'each' | 'minute' | 'none'
