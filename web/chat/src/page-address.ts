/** The page's folder on the server, path prefix included, without a trailing slash. */
export function readBaseUrl(address: string): string {
  return new URL('.', address).href.replace(/\/$/, '')
}
