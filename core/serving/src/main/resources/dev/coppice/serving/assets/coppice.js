// What all console pages share: theme, navigation on phones, filters, times, charts, the sign that a page is live.
(function () {
  "use strict";

  var root = document.documentElement;

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function toggleTheme() {
    var next = dark() ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem("coppice.theme", next);
    } catch (e) {
      // The choice then lasts for this page only.
    }
    charts(document);
  }

  function openNav(open) {
    root.dataset.nav = open ? "open" : "";
    var button = document.querySelector(".nav-toggle");
    if (button) {
      button.setAttribute("aria-expanded", String(open));
    }
    if (open) {
      var first = document.querySelector("#nav a");
      if (first) {
        first.focus();
      }
    }
  }

  document.addEventListener("click", function (event) {
    var target = event.target;
    if (target.closest(".theme-toggle")) {
      toggleTheme();
    } else if (target.closest(".nav-toggle")) {
      openNav(root.dataset.nav !== "open");
    } else if (target.closest("[data-close-nav]")) {
      openNav(false);
    } else {
      var copy = target.closest("[data-copy]");
      if (copy && navigator.clipboard) {
        navigator.clipboard.writeText(copy.dataset.copy).then(function () {
          copy.dataset.copied = "true";
          setTimeout(function () {
            delete copy.dataset.copied;
          }, 1500);
        });
      }
    }
  });

  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
    if (event.key === "Escape") {
      if (root.dataset.nav === "open") {
        openNav(false);
        document.querySelector(".nav-toggle").focus();
      } else if (typing) {
        event.target.blur();
      }
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      var filter = document.querySelector("[data-filter], input[type=search]");
      if (filter) {
        event.preventDefault();
        filter.focus();
        filter.select();
      }
    }
  });

  // <input data-filter="#rows"> hides the children of #rows (rows, or elements with data-filter-item) that lack the words.
  function applyFilter(input) {
    var list = document.querySelector(input.dataset.filter);
    if (!list) {
      return;
    }
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var items = list.querySelectorAll("[data-filter-item], tbody > tr");
    var shown = 0;
    items.forEach(function (item) {
      var text = item.textContent.toLowerCase();
      var hit = words.every(function (word) {
        return text.indexOf(word) >= 0;
      });
      item.hidden = !hit;
      shown += hit ? 1 : 0;
      for (var fold = hit && words.length && item.parentElement.closest("details"); fold; fold = fold.parentElement.closest("details")) {
        fold.open = true;
      }
    });
    var none = document.querySelector(input.dataset.filterEmpty || "[data-filter-none]");
    if (none) {
      none.hidden = shown > 0 || items.length === 0;
    }
  }

  function filters() {
    document.querySelectorAll("[data-filter]").forEach(function (input) {
      if (input.value) {
        applyFilter(input);
      }
    });
  }

  document.addEventListener("input", function (event) {
    if (event.target.matches("[data-filter]")) {
      applyFilter(event.target);
    }
  });

  document.addEventListener("change", function (event) {
    var goes = event.target.closest("[data-submit-on-change]");
    if (goes && goes.form) {
      goes.form.requestSubmit();
    }
  });

  function ago(seconds) {
    var s = Math.max(0, Math.round(seconds));
    if (s < 60) return s + "s";
    if (s < 3600) return Math.floor(s / 60) + "m";
    if (s < 86400) return Math.floor(s / 3600) + "h" + (s < 36000 ? Math.floor((s % 3600) / 60) + "m" : "");
    return Math.floor(s / 86400) + "d" + (s < 864000 ? Math.floor((s % 86400) / 3600) + "h" : "");
  }

  // <time datetime="…" data-ago> shows how long ago, and keeps it fresh.
  function times() {
    var now = Date.now();
    document.querySelectorAll("time[data-ago]").forEach(function (time) {
      var at = Date.parse(time.getAttribute("datetime"));
      if (!isNaN(at)) {
        var text = ago((now - at) / 1000);
        if (time.textContent !== text) {
          time.textContent = text;
        }
        if (!time.title) {
          time.title = new Date(at).toLocaleString();
        }
      }
    });
  }

  // <div class="chart" data-chart='{"times":[s…],"series":[{"label":"p50","values":[…]}],"unit":"ms"}'>
  function charts(scope) {
    if (!window.uPlot) {
      return;
    }
    var style = getComputedStyle(root);
    var colors = ["--accent", "--info", "--warn", "--bad", "--text-2"].map(function (name) {
      return style.getPropertyValue(name).trim();
    });
    var text = style.getPropertyValue("--text-3").trim();
    var line = style.getPropertyValue("--line").trim();
    scope.querySelectorAll("[data-chart]").forEach(function (element) {
      var spec;
      try {
        spec = JSON.parse(element.dataset.chart);
      } catch (e) {
        return;
      }
      if (element.chart) {
        element.chart.destroy();
      }
      var axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "11px system-ui" };
      var unit = spec.unit ? " " + spec.unit : "";
      element.chart = new uPlot(
        {
          width: Math.max(200, element.clientWidth),
          height: Number(element.dataset.height) || 200,
          legend: { live: true },
          cursor: { points: { size: 6 } },
          axes: [
            axis,
            Object.assign({ size: 62, values: function (u, ticks) {
              return ticks.map(function (tick) {
                return tick + unit;
              });
            } }, axis)
          ],
          series: [{}].concat(
            spec.series.map(function (series, index) {
              var color = colors[index % colors.length];
              return { label: series.label, stroke: color, width: 1.5, fill: index === 0 && spec.series.length === 1 ? color + "22" : undefined, points: { show: false }, spanGaps: false };
            })
          )
        },
        [spec.times].concat(
          spec.series.map(function (series) {
            return series.values;
          })
        ),
        element
      );
    });
  }

  var resizing;
  addEventListener("resize", function () {
    clearTimeout(resizing);
    resizing = setTimeout(function () {
      charts(document);
    }, 150);
  });

  // The mark in the top bar tells whether the page's event stream is connected.
  function live(state) {
    var mark = document.querySelector("[data-live]");
    if (mark) {
      mark.hidden = false;
      mark.dataset.state = state;
      mark.querySelector("[data-live-text]").textContent = state === "on" ? "Live" : "Reconnecting";
    }
  }

  document.addEventListener("htmx:sseOpen", function () {
    live("on");
  });
  document.addEventListener("htmx:sseError", function () {
    live("off");
  });
  document.addEventListener("htmx:configRequest", function (event) {
    var token = document.querySelector("meta[name=csrf-token]");
    if (token && event.detail.verb !== "get") {
      event.detail.headers["X-CSRF-Token"] = token.content;
    }
  });
  document.addEventListener("htmx:responseError", function (event) {
    if (event.detail.xhr.status === 401) {
      location.assign("/console/login?return=" + encodeURIComponent(location.pathname + location.search));
    }
  });

  // Keeps what the user unfolded when a tree is swapped.
  var unfolded = new Set();
  document.addEventListener(
    "toggle",
    function (event) {
      var key = event.target.dataset && event.target.dataset.key;
      if (key) {
        unfolded[event.target.open ? "add" : "delete"](key);
        event.target.dataset.touched = "true";
      }
    },
    true
  );
  document.addEventListener("htmx:beforeSwap", remember);
  document.addEventListener("htmx:sseBeforeMessage", remember);
  var states = {};
  function remember() {
    document.querySelectorAll("details[data-key]").forEach(function (details) {
      states[details.dataset.key] = details.open;
    });
  }
  function recall() {
    document.querySelectorAll("details[data-key]").forEach(function (details) {
      var open = states[details.dataset.key];
      if (open !== undefined && details.open !== open) {
        details.open = open;
      }
    });
  }

  function settle(scope) {
    recall();
    filters();
    times();
    charts(scope);
  }
  document.addEventListener("htmx:afterSettle", function (event) {
    settle(event.target.querySelectorAll ? event.target : document);
  });
  document.addEventListener("htmx:sseMessage", function () {
    recall();
    filters();
    times();
  });

  settle(document);
  setInterval(times, 1000);
})();
