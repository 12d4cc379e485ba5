// Runs before the page is painted: applies the chosen theme, so that it does not flash.
(function () {
  try {
    var theme = localStorage.getItem("coppice.theme");
    if (theme === "dark" || theme === "light") {
      document.documentElement.dataset.theme = theme;
    }
  } catch (e) {
    // Storage may be forbidden; then the system's preference stays.
  }
})();
