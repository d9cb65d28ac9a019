/**
 * The address of `path` below a provider's endpoint. An endpoint may be written with or without the
 * path's leading part (`https://host`, `https://host/v1`, the whole address): all mean the same.
 * Throws for an endpoint that is not plain http or https, or that holds credentials.
 */
export function toCallUrl(endpoint: string, path: string): URL {
  const url = new URL(endpoint)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error('an endpoint begins with https:// or http://')
  }
  if (url.username || url.password) throw new Error('an endpoint holds no user name or password')
  url.hash = ''
  const base = url.pathname.replace(/\/+$/, '')
  url.pathname = base + withoutOverlap(base, path)
  return url
}

/** `path` without the leading part that `base` already ends with. */
function withoutOverlap(base: string, path: string): string {
  const parts = path.split('/').slice(1)
  for (let length = parts.length; length > 0; length--) {
    const lead = '/' + parts.slice(0, length).join('/')
    if (base.endsWith(lead)) return path.slice(lead.length)
  }
  return path
}
