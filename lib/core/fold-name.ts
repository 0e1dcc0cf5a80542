const plain = /^[\x20-\x7e]*$/
const ignorable = /\p{Default_Ignorable_Code_Point}/gu

/** One form for what some file system takes for one name: letter case, composed and decomposed letters, widths, and marks that show nothing. */
export function foldName(name: string): string {
  if (plain.test(name)) return name.toLowerCase()
  return name.normalize('NFKD').replace(ignorable, '').toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC')
}
