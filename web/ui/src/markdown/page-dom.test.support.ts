import { JSDOM } from 'jsdom'

/**
 * Gives the code of the page what it expects of a browser. Call it before that code is imported.
 * Returns a function that ends the document.
 */
export function installPageDom(): () => void {
  const { window } = new JSDOM('<!doctype html><body>', { url: 'https://shop.example/chatbox/' })
  const { document, Element, HTMLButtonElement, MutationObserver, Text } = window
  Object.assign(globalThis, { window, document })
  Object.assign(globalThis, { Element, HTMLButtonElement, MutationObserver, Text })
  return () => window.close()
}
