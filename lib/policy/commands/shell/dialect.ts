/**
 * Forms that bash and other shells read differently: where bash sees a string, a test or a calculation, another may see a command.
 */
const ofBash =
  /\[\[|\(\(|\$["'[]|[<>]\(|<<<|&>|>&(?![\d-])|\|&|;;?&|=\(|\+=|[?*+@!]\(|\$\{[^}]*[@^,/:]|(?:^|[\s;&|(){}`])(?:select|coproc|function|time|until|let)\b/

/** Does a text mean the same to `sh`, whichever shell that is? */
export const isPosix = (text: string): boolean => !ofBash.test(text)
