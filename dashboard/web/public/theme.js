// Sets the theme before the first paint; a file of its own because the policy forbids inline scripts.
(function () {
  var choice = null;
  try { choice = localStorage.getItem('tercel.theme'); } catch (e) { /* storage may be off */ }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
