const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** A template for HTML: every value in it is text, and comes out as text. */
export function html(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((done, part, index) => {
    return done + escapeHtml(String(values[index - 1])) + part
  })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '')
}
