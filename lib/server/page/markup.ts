const columns = ['Agent', 'State', 'Health', 'Calls', 'Tokens', 'Budget left', 'Utilization', 'Saturation', 'Last violation', 'Steer']
const heads = columns.map(title => `<th scope="col" role="columnheader">${title}</th>`).join('')

/** The page, without anything that is said of an agent: the script puts that in. */
export const pageMarkup: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Outrigger</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<header>
<h1>Outrigger</h1>
<p id="status" role="status">The script of this page has not run.</p>
</header>
<main>
<form id="open" hidden>
<label for="token">Watch token, admin token, or the token of one agent</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" required>
<button>Open</button>
</form>
<div id="table" hidden>
<table role="table">
<caption>Agents of this companion</caption>
<thead role="rowgroup"><tr role="row">${heads}</tr></thead>
<tbody id="agents" role="rowgroup"></tbody>
</table>
<p id="none" hidden>No agent is served.</p>
</div>
<p id="note" role="status"></p>
</main>
<noscript>This page needs JavaScript: it reads the events of the companion. <code>outrigger top</code> shows the same on a terminal.</noscript>
</body>
</html>
`
