/**
 * About how many tokens a model makes of `text`; errs to the high side, so that a prompt built with
 * it fits: one for every three ASCII characters (English averages four) and one for every other
 * character (CJK needs about one, accented Latin less).
 */
export function estimateTokens(text: string): number {
  let ascii = 0
  let other = 0
  for (const character of text) {
    if (character.charCodeAt(0) < 0x80) ascii++
    else other++
  }
  return Math.ceil(ascii / 3) + other
}
