const most = 500

/** At most 500 characters of a text that an agent may have had a part in: so many agents, so much to send. Never half a character. */
export function cutText(text: string): string {
  const given = String(text)
  return given.length <= most ? given : `${given.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
