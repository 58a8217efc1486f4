#include <gtest/gtest.h>

#include "core/digest.h"
#include "core/json.h"
#include "core/names.h"
#include "core/registry.h"

namespace lra {
namespace {

struct Settings {
  long k = 256;
  bool share = true;
  double rate = 0.5;
  std::string mode = "full";
  void fields(auto&& f) {
    f("k", k, "rows");
    f("share", share, "one projection");
    f("rate", rate, "a rate");
    f("mode", mode, "which");
  }
};

std::string message(auto&& action, Kind kind) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

TEST(Config, RoundTrip) {
  const Settings parsed = parse<Settings>(Json{{"k", 3}, {"mode", "half"}}, "linformer");
  EXPECT_EQ(to_json(parsed), (Json{{"k", 3}, {"share", true}, {"rate", 0.5}, {"mode", "half"}}));
}

TEST(Config, RefusesUnknownKeysAndWrongTypes) {
  EXPECT_EQ(message(
                [] {
                  (void)parse<Settings>(Json{{"shar", 3}}, "linformer");
                },
                Kind::usage),
            "linformer: unknown setting 'shar', did you mean 'share'? There are: k, share, rate, mode");
  EXPECT_EQ(message(
                [] {
                  (void)parse<Settings>(Json{{"k", 1.5}}, "linformer");
                },
                Kind::usage),
            "linformer: setting 'k' must be a whole number, not 1.5");
}

TEST(Config, ACommaIsExplained) {
  const auto said = [](const Json& settings) {
    return message([&] { (void)parse<Settings>(settings, "linformer"); }, Kind::usage);
  };
  EXPECT_NE(said({{"rate", "0,001"}}).find("; use a decimal point: 0.001"), std::string::npos);
  EXPECT_NE(said({{"k", "1,000"}}).find("; write 1000 without a comma, or 1 with a decimal point"), std::string::npos)
      << said({{"k", "1,000"}});
  EXPECT_NE(said({{"k", "1,000,000"}}).find("; write 1000000 without commas"), std::string::npos);
  EXPECT_EQ(said({{"k", "1,0000"}}).find("without"), std::string::npos);
}

TEST(Config, WholeNumbersHoweverTheyAreWritten) {
  for (const char* text : {"100", "1e2", "100.0", "0100"}) EXPECT_EQ(whole_number(text), 100) << text;
  EXPECT_EQ(whole_number("9223372036854775807"), INT64_MAX) << "more than a double holds";
  EXPECT_EQ(whole_number("-1"), -1);
  for (const char* text : {"", "1.5", "1e30", "x", "1 0", "nan", "1,000"}) EXPECT_FALSE(whole_number(text)) << text;
}

TEST(Config, Scalars) {
  EXPECT_EQ(parse_scalar("3"), Json(3));
  EXPECT_EQ(parse_scalar("1e-3"), Json(1e-3));
  EXPECT_EQ(parse_scalar("cls"), Json("cls"));
  EXPECT_EQ(parse_scalar("[1]"), Json("[1]"));
  EXPECT_EQ(parse_scalar(".001"), Json(0.001));
  EXPECT_EQ(parse_scalar("-.5"), Json(-0.5));
  EXPECT_EQ(parse_scalar("5."), Json(5.0));
  for (const char* text : {"", ".", "-", "007", "inf", "nan", "1e", "0,001", "1e999", "3 4", "+"})
    EXPECT_EQ(parse_scalar(text), Json(text)) << "text, not a number";
}

TEST(Config, WholeNumbersMayBeWrittenAsFractions) {
  const auto k = [](const Json& value) { return parse<Settings>(Json{{"k", value}}, "x").k; };
  EXPECT_EQ(k(1e2), 100);
  EXPECT_EQ(k(100.0), 100);
  EXPECT_EQ(k(-0.0), 0);
  for (const Json& value : {Json(0.5), Json(1e30), Json("3"), Json(true), Json()})
    EXPECT_NE(message([&] { k(value); }, Kind::usage).find("must be a whole number"), std::string::npos) << value;
  EXPECT_NE(message(
                [&] {
                  (void)parse<Settings>(Json{{"rate", "0,5"}}, "x");
                },
                Kind::usage)
                .find("use a decimal point: 0.5"),
            std::string::npos);
}

TEST(Config, SettingsKeepWhatJsonHolds) {
  const Json all = Json::parse(
      R"({"b": [1, {"c": null}], "a": 3, "d": -0.001, "e": "x", "f": true, "g": null, "h": 18446744073709551615})");
  const lra::Settings settings = all;
  EXPECT_EQ(Json(settings).dump(), all.dump());
  EXPECT_EQ(settings.begin()->first, "a");
  EXPECT_EQ(lra::Settings(to_settings(Json(), "x")), lra::Settings()) << "null has none";
  EXPECT_EQ(text_of(1e-5), "1e-05");
  EXPECT_EQ(text_of(100.0), "100.0");
  EXPECT_EQ(text_of(std::string("cls")), "\"cls\"");
}

TEST(Config, WhatIsNoSettingIsQuoted) {
  const auto said = [](const Json& settings) {
    return message([&] { (void)parse<Settings>(settings, "x"); }, Kind::usage);
  };
  EXPECT_EQ(said({{"k", nullptr}}), "x: setting 'k' must be a whole number, not null");
  EXPECT_EQ(said({{"rate", {1, 2}}}), "x: setting 'rate' must be a number, not [1,2]");
  EXPECT_EQ(said({{"mode", 3}}), "x: setting 'mode' must be text, not 3");
  EXPECT_EQ(said({{"share", "true"}}), "x: setting 'share' must be true or false, not \"true\"");
  EXPECT_EQ(said({{"k", 18446744073709551615u}}), "x: setting 'k' = 18446744073709551615 is out of range");
  EXPECT_EQ(parse<Settings>(Json{{"rate", 18446744073709551615u}}, "x").rate, 18446744073709551615.0);
  EXPECT_EQ(said(Json(3)), "x: settings must be an object, not 3");
}

TEST(Registry, NamesTheNearest) {
  Registry<int> registry("model");
  registry.add("linear", 1);
  registry.add("linformer", 2);
  EXPECT_EQ(registry.at("linear"), 1);
  EXPECT_EQ(message([&] { (void)registry.at("linfomer"); }, Kind::usage),
            "unknown model 'linfomer', did you mean 'linformer'? There are: linear, linformer");
  EXPECT_EQ(message([&] { registry.add("linear", 3); }, Kind::usage), "the model 'linear' is registered twice");
}

TEST(Digest, KnownAnswers) {  // FIPS 180-2 appendix B.1; RFC 1321 appendix A.5
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(md5("abc"), "900150983cd24fb0d6963f7d28e17f72");
}

TEST(Names, TheNearestIsOneThatMayBeMeant) {
  EXPECT_EQ(nearest_name("dropuot", {"width", "dropout"}), "dropout");
  EXPECT_EQ(nearest_name("wieght-decay", {"warmup", "weight_decay"}), "weight_decay");
  EXPECT_EQ(nearest_name("LINEAR", {"linformer", "linear"}), "linear");
  EXPECT_EQ(nearest_name("max_mem", {"max-time", "max-memory"}), "max-memory");
  EXPECT_EQ(nearest_name("step", {"set", "steps"}), "steps") << "it begins so";
  EXPECT_EQ(nearest_name("rnu", {"run"}), "run");
  // Any two short names differ in only a few letters.
  EXPECT_EQ(nearest_name("k", {"lr", "x"}), "");
  EXPECT_EQ(nearest_name("lr", {"ff", "k"}), "");
  EXPECT_EQ(nearest_name("kk", {"db"}), "");
}

}  // namespace
}  // namespace lra
