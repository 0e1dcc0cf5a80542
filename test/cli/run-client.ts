/** A client of the Messages API for tests: asks once for each word of its arguments, and prints a line for each answer. */
const [, , ...words] = process.argv
const { ANTHROPIC_BASE_URL: base, ANTHROPIC_API_KEY: key } = process.env as Record<string, string>

export const ask = async (word: string): Promise<void> => {
  const response = await fetch(`${base}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key!, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'claude-opus-4-8', max_tokens: 100, messages: [{ role: 'user', content: word }] }),
  })
  const { error, content } = (await response.json()) as { error?: { type: string }; content?: readonly { text: string }[] }
  console.log(`${word}: ${response.status} ${error?.type ?? content?.[0]?.text}`)
}

for (const word of words) {
  if (word === 'stay') setInterval(() => {}, 1_000)
  else await ask(word)
}
