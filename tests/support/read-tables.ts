/** The tables of a page in Markdown: rows of cells without their backticks, the head first. */
export function readTables(page: string): string[][][] {
  const blocks = page.split('\n\n').filter((block) => block.startsWith('|'))
  return blocks.map((block) => {
    const rows = block.split('\n').filter((line) => line.startsWith('|'))
    return rows.filter((row) => !/^[|\s-]+$/u.test(row)).map(toCells)
  })
}

function toCells(row: string): string[] {
  const cells = row.split(/(?<!\\)\|/u).slice(1, -1)
  return cells.map((cell) => cell.replaceAll('`', '').replaceAll('\\|', '|').trim())
}
