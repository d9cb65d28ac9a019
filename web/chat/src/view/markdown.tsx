import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { MarkdownRenderer } from '../markdown/markdown-renderer.ts'
import { strings } from '../strings.ts'

const COPIED_MS = 1500

/** A model's text. `live`: more of it is coming. */
export function Markdown({ text, live }: { text: string; live: boolean }): JSX.Element {
  const container = useRef<HTMLDivElement>(null)
  const renderer = useRef<MarkdownRenderer | null>(null)
  useLayoutEffect(() => {
    if (!container.current) return
    renderer.current ??= new MarkdownRenderer(container.current)
    if (live) renderer.current.grow(text)
    else renderer.current.finish(text)
  }, [text, live])
  useEffect(() => () => renderer.current?.close(), [])
  return <div ref={container} class="markdown" onClick={onClick} />
}

function onClick({ target }: MouseEvent): void {
  if (!(target instanceof HTMLButtonElement) || !target.classList.contains('code-copy')) return
  const code = target.closest('.code-box')?.querySelector('code')?.textContent ?? ''
  void copyText(code).then((copied) => {
    if (!copied) return
    target.textContent = strings.copied
    setTimeout(() => (target.textContent = strings.copyCode), COPIED_MS)
  })
}

/** False where the browser does not allow it, such as on a page without https. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
