// Random definitions and random steps of their evolution, from a seed.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "catalog/spec.h"

namespace tokura::catalog {

class RandomSpecs {
 public:
  explicit RandomSpecs(uint64_t seed) : random_(seed) {}

  // What one project becomes next: things are added, changed within the rules, and taken away.
  ProjectSpec Next(const ProjectSpec& before) {
    ProjectSpec next = before;
    if (next.entities.empty() || OneIn(4)) AddEntity(&next);
    if (next.groups.empty() || OneIn(3)) AddGroup(&next);
    for (FeatureGroupSpec& group : next.groups) {
      if (OneIn(2)) ChangeGroup(&group);
    }
    if (OneIn(5)) next.groups.erase(next.groups.begin() + Below(next.groups.size()));
    next.services.clear();
    if (!next.groups.empty() && !OneIn(3)) AddService(&next);
    return next;
  }

  bool OneIn(size_t n) { return Below(n) == 0; }
  size_t Below(size_t n) { return random_() % n; }

 private:
  std::string Text() {
    static const std::vector<std::string> kTexts = {
        "", "plain", "with \"quotes\"", "two\nlines", "5", "true", "null", "é€😀", "- : #"};
    return kTexts[Below(kTexts.size())];
  }
  std::map<std::string, std::string> Tags() {
    std::map<std::string, std::string> tags;
    while (!OneIn(2)) tags["t" + std::to_string(Below(5))] = Text();
    return tags;
  }
  std::string FreshName(const std::string& stem) { return stem + std::to_string(names_++); }

  Type AnyType() {
    static const char* kTypes[] = {
        "bool",  "int32",     "int64",        "float32",       "float64",           "string",
        "bytes", "timestamp", "list<string>", "list<float32>", "vector<float32, 3>"};
    return *ParseType(kTypes[Below(std::size(kTypes))]);
  }
  Value ScalarOf(Kind kind) {
    switch (kind) {
      case Kind::kBool:
        return Value(OneIn(2));
      case Kind::kInt32:
        return Value(static_cast<int64_t>(static_cast<int32_t>(random_())));
      case Kind::kInt64:
        return Value(static_cast<int64_t>(random_()));
      case Kind::kFloat32:
      case Kind::kFloat64:
        return AnyFloat(kind);
      case Kind::kString:
        return Value(Text());
      case Kind::kBytes:
        return Value(Bytes{Text() + '\0'});
      case Kind::kTimestamp:
        return Value(Timestamp{static_cast<int64_t>(random_() % 4'000'000'000'000'000)});
    }
    return Value();
  }
  Value AnyFloat(Kind kind) {
    static const double kSpecial[] = {0.0, -0.0, NAN, INFINITY, -INFINITY, 10.0, 0.1, -2.5e-9};
    const double x = OneIn(2) ? kSpecial[Below(std::size(kSpecial))]
                              : std::ldexp(static_cast<double>(random_()), -70);
    return Value(kind == Kind::kFloat32 ? static_cast<double>(static_cast<float>(x)) : x);
  }
  Value ValueOf(const Type& type) {
    if (type.shape == Shape::kScalar) return ScalarOf(type.kind);
    if (type.shape == Shape::kVector) return Value(FloatVector{0.5f, 0.1f, -3.0f});
    List list;
    while (!OneIn(3)) list.push_back(ScalarOf(type.kind));
    return Value(std::move(list));
  }

  void AddEntity(ProjectSpec* spec) {
    Entity entity;
    entity.name = FreshName("e");
    entity.description = Text();
    const size_t keys = 1 + Below(3);
    for (size_t i = 0; i < keys; ++i) {
      entity.keys.push_back({FreshName("k"), *ParseType(OneIn(2) ? "string" : "int64")});
    }
    entity.partition_key_count = static_cast<uint32_t>(1 + Below(keys));
    spec->entities.push_back(std::move(entity));
  }

  void AddGroup(ProjectSpec* spec) {
    FeatureGroupSpec group;
    group.name = FreshName("g");
    group.entity = spec->entities[Below(spec->entities.size())].name;
    group.owner = "me";
    group.merge = OneIn(2) ? MergeMode::kCell : MergeMode::kRecord;
    if (!spec->groups.empty() && OneIn(3)) {  // another version of one that is there
      group.name = spec->groups.back().name;
      group.version = spec->groups.back().version + 1;
    }
    ChangeGroup(&group);
    spec->groups.push_back(std::move(group));
  }

  void ChangeGroup(FeatureGroupSpec* group) {
    group->description = Text();
    group->source = Text();
    group->tags = Tags();
    group->partition = OneIn(2) ? Partition::kDay : Partition::kHour;
    group->deprecated = OneIn(4);
    group->online = !OneIn(4);
    group->offline = !group->online || !OneIn(4);
    group->ttl_us.reset();
    if (OneIn(2)) group->ttl_us = 3'600'000'000 + static_cast<int64_t>(Below(1'000'000));
    while (OneIn(2)) AddFeature(group);
    for (FeatureSpec& feature : group->features) {
      if (OneIn(3)) ChangeFeature(&feature);
    }
    if (group->features.size() > 1 && OneIn(4)) {
      group->features.erase(group->features.begin() + Below(group->features.size()));
    }
    if (OneIn(6)) std::shuffle(group->features.begin(), group->features.end(), random_);
  }

  void AddFeature(FeatureGroupSpec* group) {
    FeatureSpec feature;
    // A name may come back: then it is a new feature.
    feature.name = "f" + std::to_string(Below(30));
    for (const FeatureSpec& other : group->features) {
      if (other.name == feature.name) return;
    }
    feature.type = AnyType();
    ChangeFeature(&feature);
    group->features.push_back(std::move(feature));
  }

  void ChangeFeature(FeatureSpec* feature) {
    if (OneIn(2) && feature->type == Type{Kind::kInt32}) feature->type = Type{Kind::kInt64};
    if (OneIn(2) && feature->type == Type{Kind::kFloat32}) feature->type = Type{Kind::kFloat64};
    feature->description = Text();
    feature->tags = Tags();
    feature->default_value.reset();
    if (OneIn(2)) feature->default_value = ValueOf(feature->type);
    feature->ttl_us.reset();
    if (OneIn(3)) feature->ttl_us = 1 + static_cast<int64_t>(Below(3'600'000'000));
    feature->online = !OneIn(5);
    feature->pii = OneIn(3);
    feature->deprecated = OneIn(5);
  }

  void AddService(ProjectSpec* spec) {
    FeatureServiceSpec service;
    service.name = "s" + std::to_string(Below(3));
    service.description = Text();
    for (const FeatureGroupSpec& group : spec->groups) {
      const std::string name = group.name + "@" + std::to_string(group.version);
      if (group.features.empty() || OneIn(2)) {
        service.features.push_back(name + ":*");
      } else {
        service.features.push_back(name + ":" + group.features.front().name);
      }
    }
    spec->services.push_back(std::move(service));
  }

  std::mt19937_64 random_;
  int names_ = 0;
};

}  // namespace tokura::catalog
