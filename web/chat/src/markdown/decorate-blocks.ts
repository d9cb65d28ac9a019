import { strings } from '../strings.ts'

/** Adds what the page itself puts around code and tables: a copy button, and scrolling by keyboard. */
export function decorateBlocks(fragment: DocumentFragment): void {
  for (const pre of fragment.querySelectorAll('pre')) wrapCode(pre)
  for (const table of fragment.querySelectorAll('table')) wrapTable(table)
}

function wrapCode(pre: HTMLPreElement): void {
  const bar = createElement('div', 'code-bar')
  const language = createElement('span', 'code-language')
  language.textContent = pre.dataset.language ?? ''
  const button = createElement('button', 'code-copy')
  button.type = 'button'
  button.textContent = strings.copyCode
  bar.append(language, button)
  const box = createElement('div', 'code-box')
  pre.replaceWith(box)
  pre.tabIndex = 0
  box.append(bar, pre)
}

function wrapTable(table: HTMLTableElement): void {
  const box = createElement('div', 'table-box')
  box.tabIndex = 0
  box.setAttribute('role', 'region')
  box.setAttribute('aria-label', strings.table)
  table.replaceWith(box)
  box.append(table)
}

function createElement<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name)
  element.className = className
  return element
}
