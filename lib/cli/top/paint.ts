/** A colour of the eight that every terminal has. */
export type Colour = 'red' | 'green' | 'yellow'

/** How a piece of text looks. */
export type Look = Colour | 'bold' | 'dim' | 'reversed'

const codes: Readonly<Record<Look, number>> = { bold: 1, dim: 2, reversed: 7, red: 31, green: 32, yellow: 33 }

/** Puts a look on a text; without colours, on nothing but what is selected. */
export type Paint = (text: string, look: Look | undefined) => string

/** With colours. */
export const inColour: Paint = (text, look) => (look ? `\x1b[${codes[look]}m${text}\x1b[0m` : text)

/** Without colours: `NO_COLOR` asks for no colour, the row that the keys are for is marked all the same. */
export const withoutColour: Paint = text => text
