/** A wrong option as a message shows it: a text in quotes, so that '3' is not taken for 3. */
export const givenValue = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value))
