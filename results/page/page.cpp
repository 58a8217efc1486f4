#include "results/page/page.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "core/text.h"
#include "results/store/database_file.h"
#include "results/tables/published.h"
#include "results/tables/text_table.h"

namespace lra {

extern const std::string_view kPage, kPageStyle, kPageScript, kChartJs, kChartJsLicence;

namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : shown(text)) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  return out;
}

/// The text escaped, with `code` in backticks as <code>.
std::string marked_up(std::string_view text) {
  std::string out;
  bool code = false;
  std::size_t from = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && text[at] != '`') continue;
    out += escaped(text.substr(from, at - from));
    if (at < text.size()) out += code ? "</code>" : "<code>", code = !code;
    from = at + 1;
  }
  return out;
}

std::string anchor(const std::string& configuration) { return "c-" + escaped(configuration.substr(0, 16)); }

/// The configurations whose details are on the page, with their runs; only these get links.
using Shown = std::map<std::string, std::vector<const StoredRun*>>;

Shown shown_cells(const Comparison& comparison) {
  Shown shown;
  for (const AccuracyTable& table : comparison.accuracy)
    for (const Row& row : table.rows)
      for (const auto& cell : row.cells)
        if (cell) shown[cell->runs.front()->configuration] = cell->runs;
  return shown;
}

std::string cell_html(const TableCell& cell, bool heading, const Shown& shown) {
  std::string text = marked_up(cell.text);
  if (shown.count(cell.configuration)) text = fmt::format("<a href=\"#{}\">{}</a>", anchor(cell.configuration), text);
  if (heading) return fmt::format("<th scope=\"row\">{}</th>", text);
  const char* rank = cell.rank == Rank::best ? " class=\"best\"" : cell.rank == Rank::second ? " class=\"second\"" : "";
  const std::string order = std::isnan(cell.order) ? "" : fmt::format(" data-order=\"{:.9g}\"", cell.order);
  return fmt::format("<td{}{}>{}</td>", rank, order, text);
}

std::string table_html(const Table& table, const Shown& shown) {
  std::string html =
      fmt::format("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"sortable{}\">",
                  escaped(table.title), table.words ? " words" : "");
  html += fmt::format("<caption>{}</caption><thead><tr>", marked_up(table.lead));
  for (const std::string& head : table.head) html += fmt::format("<th scope=\"col\">{}</th>", marked_up(head));
  html += "</tr></thead><tbody>\n";
  for (const TableRow& row : table.rows) {
    html += row.aside ? "<tr class=\"aside\">" : "<tr>";
    for (std::size_t i = 0; i < table.head.size(); ++i)
      html += cell_html(i < row.cells.size() ? row.cells[i] : TableCell(), i == 0, shown);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>\n";
}

std::string section_html(const Table& table, const Shown& shown) {
  std::string html = fmt::format("<section id=\"{}\"><h2>{}</h2>\n", escaped(table.id), escaped(table.title));
  if (!table.rows.empty()) html += table_html(table, shown);
  html += "<ul class=\"notes\">";
  for (const std::string& note : table.notes) html += fmt::format("<li>{}</li>\n", marked_up(note));
  return html + "</ul></section>\n";
}

std::string number(const Json& value) { return value.is_number() ? three_digits(value.get<double>()) : "–"; }

/// The data of a chart as a table, for readers who cannot see it.
std::string alternative(const Json& figure) {
  std::string rows;
  const std::string kind = figure.at("kind");
  const auto add = [&rows](const std::string& head, const std::vector<std::string>& cells) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escaped(head));
    for (const std::string& cell : cells) rows += fmt::format("<td>{}</td>", cell);
    rows += "</tr>";
  };
  std::string head = "<th scope=\"col\">model</th>";
  if (kind == "bubble") {
    head +=
        "<th scope=\"col\">speed</th><th scope=\"col\">score</th><th scope=\"col\">memory</th><th scope=\"col\">on the "
        "front</th>";
    for (const Json& p : figure.at("points"))
      add(p.at("label"), {number(p.at("speed")), number(p.at("score")), human_bytes(p.at("bytes").get<std::int64_t>()),
                          p.at("front").get<bool>() ? "yes" : "no"});
  } else {
    const bool is_scaling = kind == "scaling";
    if (is_scaling) head += "<th scope=\"col\">fitted exponent</th><th scope=\"col\">declared</th>";
    head += kind == "seeds" ? "<th scope=\"col\">seed: accuracy, %</th>" : "<th scope=\"col\">values</th>";
    for (const Json& s : figure.at("series")) {
      std::vector<std::string> cells, values;
      if (is_scaling) cells = {number(s.at("exponent")), number(s.at("declared"))};
      for (const Json& p : s.at(kind == "seeds" ? "values" : "points"))
        values.push_back(fmt::format("{}: {}", p.at(0).dump(), number(p.at(1))));
      cells.push_back(joined(values));
      add(s.at("label"), cells);
    }
  }
  return fmt::format(
      "<details><summary>Data of this chart</summary><div class=\"scroll\"><table><thead><tr>{}</tr>"
      "</thead><tbody>{}</tbody></table></div></details>",
      head, rows);
}

std::string figures_html(const Json& figures, const char* group, const char* title, bool wide) {
  std::string html;
  for (const Json& figure : figures) {
    if (figure.at("group") != group) continue;
    const std::string name = figure.at("title"), caption = figure.at("caption");
    // One row per model.
    const std::size_t rows = figure.at("kind") == "seeds" ? figure.at("series").size() : 0;
    const std::string height = rows > 8 ? fmt::format(" style=\"height:{}rem\"", 5 + 2 * rows) : "";
    html += fmt::format(
        "<figure><h3>{0}</h3><div class=\"canvas\"{3}><canvas id=\"{1}\" role=\"img\" aria-label=\"{0}. {2}\">"
        "</canvas></div><figcaption>{2}</figcaption>{4}</figure>\n",
        escaped(name), figure.at("id").get<std::string>(), escaped(caption), height, alternative(figure));
  }
  if (html.empty()) return {};
  return fmt::format("<section id=\"{}\"><h2>{}</h2><div class=\"figures{}\">{}</div></section>\n", group, title,
                     wide ? " wide" : "", html);
}

/// A cell of the heat map: blue if ours is above the published range, red if below, stronger with the distance.
std::string heat_item(const AccuracyCell& cell, double apart) {
  const double strength = std::min(1.0, std::abs(apart) / 0.2);
  const char* hue = apart > 0 ? "0,114,178" : "213,94,0";
  return fmt::format(
      "<td style=\"background:rgba({},{:.2f})\"><a href=\"#{}\">{} <span class=\"quiet\">({})</span></a></td>", hue,
      apart == 0 ? 0.0 : 0.15 + 0.5 * strength, anchor(cell.runs.front()->configuration),
      apart == 0 ? "within" : points(apart), percent(cell.mean));
}

std::string heat_map(const AccuracyTable& table) {
  std::string rows;
  bool any = false;
  for (const Row& row : table.rows) {
    std::string cells;
    bool some = false;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      const auto& cell = row.cells[c];
      const bool may = cell && row.label == row.model && why_not_comparable(*cell->runs.front()).empty();
      const PublishedRange range = may ? published_range(row.model, table.columns[c].variant) : PublishedRange();
      if (range.entries == 0) {
        cells += "<td class=\"quiet\">–</td>";
        continue;
      }
      some = true;
      cells += heat_item(*cell, range.apart(cell->mean));
    }
    if (some) rows += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>\n", escaped(row.label), cells);
    any = any || some;
  }
  if (!any) return {};
  std::string head;
  for (const Column& column : table.columns) head += fmt::format("<th scope=\"col\">{}</th>", escaped(column.label));
  return fmt::format(
      "<section id=\"heat-{0}\"><h2>Difference from published, preset {0}</h2><div class=\"scroll\"><table "
      "class=\"heat\">"
      "<caption>Points above (blue) or below (red) the range that papers print; in brackets ours, in %.</caption>"
      "<thead><tr><th scope=\"col\">model</th>{1}</tr></thead><tbody>{2}</tbody></table></div></section>\n",
      escaped(table.preset), head, rows);
}

std::string cell_html(const std::vector<const StoredRun*>& runs, const std::map<long, Environment>& environments,
                      const Store& store) {
  const StoredRun& first = *runs.front();
  Json experiment = first.experiment;
  if (experiment.is_object()) experiment.erase("seed");
  std::string seeds;
  for (const StoredRun* run : runs)
    seeds +=
        fmt::format("{}run {} (seed {}, {} %)", seeds.empty() ? "" : ", ", run->id, run->seed, percent(accuracy(*run)));
  const Environment& machine = environments.at(first.environment);
  std::string html = fmt::format("<details class=\"cell\" id=\"{}\"><summary>{} on {}, preset {}</summary><dl>",
                                 anchor(first.configuration), escaped(row_label(first)), escaped(first.variant),
                                 escaped(first.preset));
  const auto say = [&html](const char* what, const std::string& is) {
    if (!is.empty()) html += fmt::format("<dt>{}</dt><dd>{}</dd>", what, marked_up(is));
  };
  say("runs", seeds);
  say("reproduce", fmt::format("`{}`", command_on(store.path(), fmt::format("runs reproduce {}", first.id))));
  say("command", first.command.empty() ? "" : fmt::format("`{}`", first.command));
  say("started", first.started);
  say("model revision", first.model_revision), say("data", first.data_fingerprint);
  say("parameters", grouped(first.parameters)), say("digest", first.parameter_digest);
  say("machine", fmt::format("{}, {}, {}", machine_name(machine), human_bytes(machine.memory_bytes), machine.os));
  say("program", fmt::format("{}{}, {} {}", machine.code_version, machine.dirty ? " with changes" : "",
                             machine.compiler, machine.flags));
  return html + fmt::format("</dl><pre>{}</pre></details>\n", escaped(experiment.dump(1)));
}

std::string answers_html(const Comparison& comparison) {
  std::string html;
  for (const AccuracyTable& table : comparison.accuracy) {
    if (comparison.accuracy.size() > 1) html += fmt::format("<h2>Preset {}</h2>", escaped(table.preset));
    html += "<ul class=\"answers\">";
    for (const Answer& answer : answers(table, comparison))
      html +=
          fmt::format("<li><span class=\"question\">{}</span>{}</li>\n", answer.question, marked_up(answer.sentence));
    html += "</ul>\n";
  }
  return html;
}

std::string navigation(const std::string& body) {
  constexpr std::string_view kOpen = "<section id=\"", kTitle = "<h2>";
  std::string links;
  for (std::size_t at = body.find(kOpen); at != std::string::npos; at = body.find(kOpen, at + 1)) {
    const std::size_t id = at + kOpen.size(), title = body.find(kTitle, id) + kTitle.size();
    links += fmt::format("<li><a href=\"#{}\">{}</a></li>", body.substr(id, body.find('"', id) - id),
                         body.substr(title, body.find("</h2>", title) - title));
  }
  return fmt::format("<nav aria-label=\"Sections\"><ul>{}</ul></nav>", links);
}

/// Replaces each {{name}} of the page in one pass, so that inserted text is not expanded again.
std::string filled(std::string_view page, const std::map<std::string, std::string>& parts) {
  std::string out;
  std::size_t from = 0;
  for (std::size_t at = page.find("{{"); at != std::string_view::npos; at = page.find("{{", from)) {
    const std::size_t end = page.find("}}", at);
    out += page.substr(from, at - from);
    out += parts.at(std::string(page.substr(at + 2, end - at - 2)));
    from = end + 2;
  }
  out += page.substr(from);
  return out;
}

}  // namespace

std::string html_page(const Comparison& comparison, const Store& store, const ReportRequest& request) {
  const Shown shown = shown_cells(comparison);
  const Json figures = figures_of(comparison, store, request);
  const auto tables = tables_of(comparison, store, request);
  std::string main;
  const auto add_tables = [&](std::initializer_list<const char*> kinds) {
    for (const Table& table : tables)
      if (std::find(kinds.begin(), kinds.end(), table.kind) != kinds.end()) main += section_html(table, shown);
  };
  add_tables({"model", "accuracy"});
  main += figures_html(figures.at("figures"), "bubble", "Accuracy, speed, memory", true);
  add_tables({"differences"});
  main += figures_html(figures.at("figures"), "seeds", "Every seed", false);
  main += figures_html(figures.at("figures"), "curves", "Learning curves", false);
  for (const AccuracyTable& table : comparison.accuracy) main += heat_map(table);
  add_tables({"published", "efficiency"});
  main += figures_html(figures.at("figures"), "scaling", "Cost against length", false);
  add_tables({"bench", "seeds", "configurations"});
  if (!shown.empty()) {
    const auto environments = store.environments();
    main +=
        "<section id=\"configurations\"><h2>Details of every cell</h2><p class=\"lead\">The settings behind each "
        "result, "
        "and the command that reproduces it.</p>\n";
    for (const auto& [configuration, runs] : shown) main += cell_html(runs, environments, store);
    main += "</section>\n";
  }
  const std::string head = fmt::format(
      "<header><div><h1>Efficient models for long sequences</h1><p class=\"quiet\">{} from "
      "<code>{}</code></p>{}</div></header>\n",
      plural(static_cast<long>(runs_of(comparison, request).size()), "run"), escaped(store.path().filename().string()),
      answers_html(comparison));
  std::string data;  // without `<`, which could end the script element or start a comment
  for (const char c : figures.dump()) c == '<' ? data += "\\u003c" : data += c;
  std::string licence(kChartJsLicence);
  for (std::size_t at = licence.find("--"); at != std::string::npos; at = licence.find("--", at)) licence.erase(at, 1);
  return filled(kPage, {{"style", std::string(kPageStyle)},
                        {"body", fmt::format("{}{}<main id=\"main\">{}</main><footer>Made by lra; needs no network. "
                                             "Charts by Chart.js.</footer>",
                                             head, navigation(main), main)},
                        {"data", data},
                        {"licence", licence},
                        {"chart", std::string(kChartJs)},
                        {"script", std::string(kPageScript)}});
}

}  // namespace lra
