/**
 * Makes the children of `parent` after `last` equal to `wanted`; all of its children if `last` is
 * null. A node of the same kind stays and is changed in place, so that what a reader does with it
 * outlives the change: scrolling, focus, a selection, a press of a button.
 */
export function patchAfter(parent: Node, last: ChildNode | null, wanted: ChildNode[]): void {
  let old = last ? last.nextSibling : parent.firstChild
  for (const node of wanted) {
    const next = old?.nextSibling ?? null
    if (!old) parent.appendChild(node)
    else if (!patch(old, node)) old.replaceWith(node)
    old = next
  }
  while (old) {
    const next = old.nextSibling
    old.remove()
    old = next
  }
}

/** Returns false if the node has to be replaced, because it is of another kind. */
function patch(old: ChildNode, wanted: ChildNode): boolean {
  if (old instanceof Text && wanted instanceof Text) patchText(old, wanted.data)
  else if (isSameKind(old, wanted)) patchElement(old, wanted as Element)
  else return false
  return true
}

function isSameKind(old: ChildNode, wanted: ChildNode): old is ChildNode & Element {
  if (!(old instanceof Element) || !(wanted instanceof Element)) return false
  return old.tagName === wanted.tagName && old.className === wanted.className
}

function patchElement(old: Element, wanted: Element): void {
  // A button says for a moment what it has done.
  if (old instanceof HTMLButtonElement || old.isEqualNode(wanted)) return
  for (const { name } of [...old.attributes]) {
    if (!wanted.hasAttribute(name)) old.removeAttribute(name)
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  }
  patchAfter(old, null, [...wanted.childNodes])
}

/** Leaves the common beginning alone, because a selection in it ends when it is written again. */
function patchText(node: Text, data: string): void {
  const old = node.data
  if (old === data) return
  let same = 0
  while (same < old.length && old[same] === data[same]) same += 1
  node.replaceData(same, old.length - same, data.slice(same))
}
