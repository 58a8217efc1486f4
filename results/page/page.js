"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  // Okabe and Ito's palette for all kinds of colour vision, and two more; beyond eight models the shape changes.
  var colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a63d2", "#7f7f7f"];
  var shapes = ["circle", "triangle", "rect", "rectRot", "star", "cross"];
  var order = [];

  function place(label) {
    if (order.indexOf(label) < 0) order.push(label);
    return order.indexOf(label);
  }
  function colour(label) { return colours[place(label) % colours.length]; }
  function shape(label) { return shapes[Math.floor(place(label) / colours.length) % shapes.length]; }
  function css(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }
  function bytes(value) {
    var units = ["B", "KiB", "MiB", "GiB", "TiB"], unit = 0;
    while (value >= 1024 && unit < units.length - 1) { value /= 1024; unit++; }
    return value.toPrecision(3) + " " + units[unit];
  }
  function short(value) { return Number(value.toPrecision(3)).toLocaleString("en"); }

  // A header's button sorts its table; rows that are not results stay at the bottom.
  document.querySelectorAll("table.sortable").forEach(function (table) {
    table.querySelectorAll("thead th").forEach(function (head, column) {
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var body = table.tBodies[0];
        var rows = Array.prototype.slice.call(body.rows);
        // Text columns sort from a to z first, numeric ones from the largest down; dashes come last.
        var words = !rows.some(function (row) { return row.cells[column] && row.cells[column].dataset.order !== undefined; });
        var descending = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") === "ascending" : !words;
        table.querySelectorAll("th[aria-sort]").forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", descending ? "descending" : "ascending");
        var key = function (row) {
          var cell = row.cells[column];
          if (!cell || cell.textContent === "–") return null;
          return cell.dataset.order !== undefined ? Number(cell.dataset.order) : words ? cell.textContent : null;
        };
        rows.forEach(function (row, i) { row.place = i; });
        rows.sort(function (a, b) {
          var aside = a.classList.contains("aside") - b.classList.contains("aside");
          if (aside) return aside;
          if (a.classList.contains("aside")) return a.place - b.place;
          var x = key(a), y = key(b);
          if (x === null || y === null) return (x === null) - (y === null) || a.place - b.place;
          var less = words ? x.localeCompare(y, "en", { numeric: true }) : x - y;
          return (descending ? -less : less) || a.place - b.place;
        });
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
  });

  // A link to a cell's configuration opens it.
  function open() {
    var target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") {
      target.open = true;
      target.scrollIntoView();
    }
  }
  window.addEventListener("hashchange", open);
  open();

  var charts = [];
  function style() {
    Chart.defaults.color = css("--quiet");
    Chart.defaults.borderColor = css("--line");
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    Chart.defaults.font.size = 12.5;
    Chart.defaults.animation = false;
    Chart.defaults.maintainAspectRatio = false;
  }
  function axis(title, more) { return Object.assign({ title: { display: true, text: title }, grid: { color: css("--line") } }, more); }
  // An axis of accuracies, with some room around them but never beyond 0 and 100 %.
  function shares(title) {
    return axis(title, {
      afterDataLimits: function (a) {
        var room = Math.max(1, 0.1 * (a.max - a.min));
        a.min = Math.max(0, a.min - room);
        a.max = Math.min(100, a.max + room);
      }
    });
  }
  // Ticks at round numbers on a logarithmic axis, as many as there is room for.
  function round(low, high, binary) {
    var ticks = [], base = binary ? 2 : 10;
    var decades = Math.log(high / low) / Math.log(base);
    var steps = binary ? [1] : decades > 3.2 ? [1] : decades > 1.2 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
    var skip = Math.max(1, Math.ceil(decades / 8));
    for (var k = Math.floor(Math.log(low) / Math.log(base)); Math.pow(base, k) <= high; k++)
      steps.forEach(function (s) {
        var value = s * Math.pow(base, k);
        if (k % skip === 0 && value >= low * 0.999 && value <= high * 1.001) ticks.push({ value: value });
      });
    return ticks;
  }
  function logarithmic(title, print, more, binary) {
    return axis(title, Object.assign({
      type: "logarithmic", ticks: { callback: print, autoSkip: true, maxRotation: 0 },
      afterBuildTicks: function (a) { a.ticks = round(a.min, a.max, binary); }
    }, more));
  }
  function legend() { return { position: "bottom", labels: { usePointStyle: true, boxHeight: 7, padding: 14 } }; }
  function line(series, more) {
    var c = colour(series.label);
    return Object.assign({
      label: series.label, data: series.points.map(function (p) { return { x: p[0], y: p[1] }; }), borderColor: c,
      backgroundColor: c, pointStyle: shape(series.label), pointRadius: 3.5, pointHoverRadius: 6, borderWidth: 2, tension: 0
    }, more);
  }
  function level(value, title, from, to) {
    return {
      label: title, data: [{ x: from, y: value }, { x: to, y: value }], borderColor: css("--quiet"), borderDash: [5, 5],
      borderWidth: 1.5, pointRadius: 0, pointStyle: "line", backgroundColor: "transparent"
    };
  }

  function overlap(a, b) { return Math.max(0, Math.min(a.r, b.r) - Math.max(a.l, b.l)) * Math.max(0, Math.min(a.b, b.b) - Math.max(a.t, b.t)); }

  // Places each name beside its bubble where it overlaps least with other names, then with other bubbles.
  var names = {
    id: "names",
    afterDatasetsDraw: function (chart) {
      var context = chart.ctx, area = chart.chartArea, taken = [], bubbles = [];
      chart.data.datasets.forEach(function (set, i) {
        if (set.front || !chart.isDatasetVisible(i)) return;
        chart.getDatasetMeta(i).data.forEach(function (element) {
          var r = element.options.radius;
          bubbles.push({ name: set.label, x: element.x, y: element.y, l: element.x - r, r: element.x + r, t: element.y - r, b: element.y + r });
        });
      });
      context.save();
      context.font = "600 12.5px " + Chart.defaults.font.family;
      context.fillStyle = css("--ink");
      context.textBaseline = "middle";
      bubbles.forEach(function (bubble) {
        var width = context.measureText(bubble.name).width, r = bubble.r - bubble.x + 5, best = null;
        [[r, 0], [-r - width, 0], [-width / 2, -r - 6], [-width / 2, r + 6], [r, -14], [r, 14], [-r - width, -14], [-r - width, 14]].forEach(function (spot) {
          var box = { l: bubble.x + spot[0], r: bubble.x + spot[0] + width, t: bubble.y + spot[1] - 8, b: bubble.y + spot[1] + 8 };
          if (box.l < area.left || box.r > area.right || box.t < area.top || box.b > area.bottom) return;
          box.covers = 0;
          taken.forEach(function (other) { box.covers += 10 * overlap(box, other); });
          bubbles.forEach(function (other) { if (other !== bubble) box.covers += overlap(box, other); });
          if (!best || box.covers < best.covers) best = box;
        });
        if (!best) return;
        context.fillText(bubble.name, best.l, best.t + 8);
        taken.push(best);
      });
      context.restore();
    }
  };

  function lengths(series) {
    var all = [].concat.apply([], series.map(function (s) { return s.points.map(function (p) { return p[0]; }); }));
    return all.filter(function (n, i) { return all.indexOf(n) === i; }).sort(function (a, b) { return a - b; });
  }

  var draw = {
    bubble: function (figure) {
      var most = Math.max.apply(null, figure.points.map(function (p) { return p.bytes; }).concat(1));
      var sets = figure.points.map(function (p) {
        var c = colour(p.label);
        return {
          type: "bubble", clip: false, label: p.label, backgroundColor: c + "99", borderColor: c, borderWidth: 1.5,
          // The area, not the width, is proportional to memory.
          data: [{ x: p.speed, y: p.score, r: 5 + 23 * Math.sqrt(p.bytes / most), bytes: p.bytes }]
        };
      });
      var front = figure.points.filter(function (p) { return p.front; }).sort(function (a, b) { return a.speed - b.speed; });
      if (front.length > 1)
        sets.push({
          type: "line", label: "Pareto front", front: true, data: front.map(function (p) { return { x: p.speed, y: p.score }; }),
          borderColor: css("--quiet"), borderDash: [6, 5], borderWidth: 1.5, pointRadius: 0, stepped: "after"
        });
      var xs = figure.points.map(function (p) { return p.speed; });
      return {
        data: { datasets: sets },
        options: {
          layout: { padding: { top: 28, right: 12, bottom: 12, left: 12 } },
          scales: {
            x: logarithmic(figure.x, short, { min: Math.min.apply(null, xs) / 1.6, max: Math.max.apply(null, xs) * 1.6 }),
            y: shares(figure.y)
          },
          plugins: {
            legend: { display: false },
            tooltip: { callbacks: { label: function (c) { return c.dataset.label + (c.raw.bytes ? ": " + short(c.raw.x) + ", " + c.raw.y.toFixed(1) + " %, " + bytes(c.raw.bytes) : ""); } } }
          }
        },
        plugins: [names]
      };
    },
    curves: function (figure) {
      var xs = [].concat.apply([], figure.series.map(function (s) { return s.points.map(function (p) { return p[0]; }); }));
      var sets = figure.series.map(function (s) { return line(s); });
      if (figure.majority !== null) sets.push(level(figure.majority, "majority class", Math.min.apply(null, xs), Math.max.apply(null, xs)));
      return {
        type: "line", data: { datasets: sets },
        options: {
          interaction: { mode: "nearest" },
          scales: { x: axis("training step", { type: "linear", ticks: { callback: short } }), y: shares("validation accuracy, %") },
          plugins: { legend: legend() }
        }
      };
    },
    scaling: function (figure) {
      var sets = figure.series.map(function (s) {
        return line(s, { label: s.label + (s.exponent === null ? "" : "  N^" + s.exponent.toFixed(2) + (s.declared ? " (declared " + s.declared + ")" : "")), backgroundColor: colour(s.label), borderColor: colour(s.label), pointStyle: shape(s.label) });
      });
      return {
        type: "line", data: { datasets: sets },
        options: {
          scales: {
            x: axis("tokens", {
              type: "logarithmic", ticks: { callback: function (n) { return n.toLocaleString("en"); }, autoSkip: true },
              afterBuildTicks: function (a) { a.ticks = lengths(figure.series).map(function (n) { return { value: n }; }); }
            }),
            y: logarithmic(figure.y, figure.bytes ? bytes : short, {}, figure.bytes)
          },
          plugins: { legend: legend() }
        }
      };
    },
    seeds: function (figure) {
      var sets = figure.series.map(function (s, i) {
        return {
          label: s.label, data: s.values.map(function (v, k) { return { x: v[1], y: i + (s.values.length > 1 ? 0.24 * (k / (s.values.length - 1) - 0.5) : 0), seed: v[0] }; }),
          backgroundColor: colour(s.label) + "cc", borderColor: colour(s.label), pointStyle: shape(s.label), pointRadius: 5, pointHoverRadius: 7, showLine: false
        };
      });
      if (figure.majority !== null)
        sets.push({ label: "majority class", data: [{ x: figure.majority, y: -0.6 }, { x: figure.majority, y: figure.series.length - 0.4 }], showLine: true, borderColor: css("--quiet"), borderDash: [5, 5], borderWidth: 1.5, pointRadius: 0 });
      return {
        type: "scatter", data: { datasets: sets },
        options: {
          scales: {
            x: shares("test accuracy, %"),
            y: { min: -0.6, max: figure.series.length - 0.4, reverse: true, grid: { display: false }, afterBuildTicks: function (a) { a.ticks = figure.series.map(function (s, i) { return { value: i }; }); }, ticks: { autoSkip: false, callback: function (v) { return figure.series[v] ? figure.series[v].label : ""; } } }
          },
          plugins: { legend: { display: false }, tooltip: { callbacks: { label: function (c) { return c.raw.seed === undefined ? c.dataset.label : c.dataset.label + ", seed " + c.raw.seed + ": " + c.raw.x.toFixed(1) + " %"; } } } }
        }
      };
    }
  };

  function all() {
    style();
    charts.forEach(function (chart) { chart.destroy(); });
    charts = data.figures.map(function (figure) { return new Chart(document.getElementById(figure.id), draw[figure.kind](figure)); });
    document.documentElement.dataset.charts = charts.length;
  }
  data.models.forEach(place);
  all();
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
  window.addEventListener("beforeprint", function () { charts.forEach(function (chart) { chart.resize(); }); });
})();
