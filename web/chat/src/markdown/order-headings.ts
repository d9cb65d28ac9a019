/** How far the headings of a text have come. */
export interface Outline {
  /** Levels that the first heading was above where it belongs. */
  shift: number
  level: number
}

/** Below the page's own heading. */
export const EMPTY_OUTLINE: Outline = { shift: 0, level: 1 }
const NAMES = ['h2', 'h3', 'h4', 'h5', 'h6'] as const

/**
 * Gives a text's headings levels without gaps, the first one the level below the page's: whoever
 * goes from heading to heading finds no missing ones. Answers the outline for the text that follows.
 */
export function orderHeadings(fragment: DocumentFragment, before: Outline): Outline {
  let { shift, level } = before
  for (const heading of fragment.querySelectorAll(NAMES.join())) {
    const said = Number(heading.tagName.slice(1))
    if (level === 1) shift = said - 2
    level = Math.max(2, Math.min(said - shift, level + 1))
    const ordered = document.createElement(NAMES[level - 2] ?? 'h6')
    ordered.append(...heading.childNodes)
    heading.replaceWith(ordered)
  }
  return { shift, level }
}
