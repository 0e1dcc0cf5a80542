/** The style of the page: light and dark, and rows as cards where the screen is narrow. */
export const pageStyle: string = `:root {
  color-scheme: light dark;
  --text: #1b1f24; --ground: #ffffff; --line: #d0d7de; --soft: #57606a; --good: #1a7f37; --bad: #b42318; --warn: #8a5a00;
  font: 15px/1.4 system-ui, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --ground: #0d1117; --line: #30363d; --soft: #9aa4ae; --good: #56d364; --bad: #ff8f85; --warn: #e3b341; }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; max-width: 90rem; padding: 1rem; color: var(--text); background: var(--ground); }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0; }
#status, #note { color: var(--soft); margin: .3rem 0; min-height: 1.4em; overflow-wrap: anywhere; }
.stale #status { color: var(--bad); font-weight: 600; }
.stale tbody { opacity: .55; }
form { display: grid; gap: .4rem; max-width: 28rem; margin: 1rem 0; }
input, button { font: inherit; padding: .3rem .6rem; color: inherit; background: transparent; border: 1px solid var(--soft); border-radius: .3rem; }
button { cursor: pointer; }
button:disabled { opacity: .4; cursor: default; }
:focus-visible { outline: 2px solid #2f81f7; outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; unicode-bidi: isolate; }
thead th { color: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th, td:nth-child(2) { min-width: 8rem; }
td:nth-child(3), td:nth-child(9) { min-width: 11rem; }
td meter { display: block; width: 6rem; }
td span, td button { white-space: nowrap; }
td button { margin: 0 .3rem .3rem 0; }
[data-health=healthy] { color: var(--good); }
[data-health=degraded], [data-health=paused], [data-health=stalled] { color: var(--warn); }
[data-health]:not([data-health=""], [data-health=healthy], [data-health=degraded], [data-health=paused], [data-health=stalled]) { color: var(--bad); }
@media (max-width: 75rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, caption, tbody, tr { display: block; }
  tr { border: 1px solid var(--line); border-radius: .4rem; margin: 0 0 .8rem; padding: .3rem 0; }
  tbody th, td { display: flex; align-items: baseline; gap: .5rem; border: 0; padding: .25rem .6rem; }
  tbody th::before, td::before { content: attr(data-title); flex: 0 0 7.5rem; color: var(--soft); font-weight: 400; }
  td meter { flex: 0 0 5rem; align-self: center; }
  td span { white-space: normal; }
  td button { margin: 0; }
  td:last-child:empty { display: none; }
}
@media (prefers-reduced-motion: no-preference) { tbody { transition: opacity .2s; } }
`
