import DOMPurify, { type Config } from 'dompurify'
import { toSafeLink } from './links.ts'

/** The allowed tags of a reply. None of them loads anything, and none names or styles a node. */
const ALLOWED_TAGS = [
  ...['p', 'br', 'hr', 'strong', 'em', 'del', 'code', 'pre', 'blockquote', 'a'],
  ...['ul', 'ol', 'li', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'],
  ...['table', 'thead', 'tbody', 'tr', 'th', 'td'],
]
const CONFIG: Config & { RETURN_DOM_FRAGMENT: true } = {
  ALLOWED_TAGS,
  ALLOWED_ATTR: ['href', 'start', 'align', 'data-language'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto|tel):/i,
  // The rule for addresses applies only to `href`.
  ADD_URI_SAFE_ATTR: ['start', 'align', 'data-language'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
}

const purifier = DOMPurify(window)
purifier.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A') return
  if (toSafeLink(node.getAttribute('href') ?? '') === undefined) node.removeAttribute('href')
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer nofollow')
})

/** Keeps only allowed nodes. A model's text reaches the page only through here. */
export function sanitizeHtml(html: string): DocumentFragment {
  return purifier.sanitize(html, CONFIG)
}
