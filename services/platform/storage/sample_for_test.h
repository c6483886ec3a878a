#pragma once

#include <google/api/resource.pb.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/message_differencer.h>
#include <google/type/date.pb.h>

#include <memory>
#include <string>

#include "helhed/common/v1/date_range.pb.h"
#include "helhed/policy/v1/policy.pb.h"
#include "helhed/residents/v1/department.pb.h"
#include "helhed/residents/v1/dwelling.pb.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/migrate.h"
#include "services/platform/storage/table.h"

// A resource with every kind of field that a table can hold, all of them declared for filters and orders, because no resource of
// the contract has them all. Its names are those of dwellings.
namespace helhed::storage {

inline constexpr char kSampleFile[] = R"pb(
  name: "sample.proto"
  package: "sample"
  syntax: "proto3"
  dependency: "google/protobuf/timestamp.proto"
  dependency: "google/type/date.proto"
  dependency: "google/api/resource.proto"
  dependency: "helhed/common/v1/date_range.proto"
  dependency: "helhed/policy/v1/policy.proto"
  dependency: "helhed/residents/v1/department.proto"
  message_type {
    name: "Request"
    field { name: "page_size" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL }
    field { name: "page_token" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "filter" number: 3 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "order_by" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
  }
  message_type {
    name: "Sample"
    options {
      [google.api.resource] { type: "helhed.dk/Dwelling" pattern: "organisations/{organisation}/dwellings/{dwelling}" }
    }
    field {
      name: "name"
      number: 1
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "title"
      number: 2
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "note"
      number: 3
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "heading"
      number: 4
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true collation: COLLATION_DANISH } }
      }
    }
    field {
      name: "number"
      number: 5
      type: TYPE_INT64
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "rank"
      number: 6
      type: TYPE_INT32
      label: LABEL_OPTIONAL
      oneof_index: 0
      proto3_optional: true
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "state"
      number: 7
      type: TYPE_ENUM
      type_name: ".helhed.residents.v1.DepartmentState"
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "active"
      number: 8
      type: TYPE_BOOL
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "day"
      number: 9
      type: TYPE_MESSAGE
      type_name: ".google.type.Date"
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "moment"
      number: 10
      type: TYPE_MESSAGE
      type_name: ".google.protobuf.Timestamp"
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "period"
      number: 11
      type: TYPE_MESSAGE
      type_name: ".helhed.common.v1.DateRange"
      label: LABEL_OPTIONAL
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "department"
      number: 12
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [google.api.resource_reference] { type: "helhed.dk/Department" }
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field {
      name: "elsewhere"
      number: 13
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      options {
        [google.api.resource_reference] { type: "helhed.dk/Department" }
      }
    }
    field {
      name: "nickname"
      number: 14
      type: TYPE_STRING
      label: LABEL_OPTIONAL
      oneof_index: 1
      proto3_optional: true
      options {
        [helhed.policy.v1.field] { query { filter: true order: true } }
      }
    }
    field { name: "blob" number: 15 type: TYPE_BYTES label: LABEL_OPTIONAL }
    field { name: "hidden" number: 16 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "computed" number: 17 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "create_time" number: 18 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
    field { name: "update_time" number: 19 type: TYPE_MESSAGE type_name: ".google.protobuf.Timestamp" label: LABEL_OPTIONAL }
    field { name: "etag" number: 20 type: TYPE_STRING label: LABEL_OPTIONAL }
    oneof_decl { name: "_rank" }
    oneof_decl { name: "_nickname" }
  }
)pb";

inline constexpr std::string_view kSampleSchema = R"sql(
  CREATE TABLE samples (
    organisation            TEXT    NOT NULL,
    dwelling                TEXT    NOT NULL,
    title                   TEXT    NOT NULL,
    note                    TEXT,
    heading                 TEXT    NOT NULL,
    heading_sort            BYTEA   NOT NULL,
    number                  BIGINT  NOT NULL,
    rank                    BIGINT,
    state                   BIGINT  NOT NULL,
    active                  BOOLEAN NOT NULL,
    day                     TEXT,
    moment                  BIGINT,
    period_start_date       TEXT    NOT NULL,
    period_end_date         TEXT,
    department              TEXT,
    elsewhere               TEXT,
    elsewhere_organisation  TEXT,
    nickname                TEXT,
    blob                    BYTEA,
    hidden                  TEXT    NOT NULL UNIQUE,
    secret_extra            TEXT,
    revision                BIGINT  NOT NULL,
    create_time             BIGINT  NOT NULL,
    update_time             BIGINT  NOT NULL,
    PRIMARY KEY (organisation, dwelling)
  );
  CREATE TABLE children (
    organisation            TEXT    NOT NULL,
    dwelling                TEXT    NOT NULL,
    PRIMARY KEY (organisation, dwelling),
    FOREIGN KEY (organisation, dwelling) REFERENCES samples
  );
)sql";

struct SamplePool {
  google::protobuf::DescriptorPool pool{google::protobuf::DescriptorPool::generated_pool()};
  google::protobuf::DynamicMessageFactory factory{&pool};
  google::protobuf::FileDescriptor const* file = nullptr;

  SamplePool() {
    // Names the files that are depended on, so that they are linked and known to the pool.
    google::protobuf::LinkMessageReflection<google::protobuf::Timestamp>();
    google::protobuf::LinkMessageReflection<google::type::Date>();
    google::protobuf::LinkMessageReflection<common::v1::DateRange>();
    google::protobuf::LinkMessageReflection<residents::v1::Department>();
    factory.SetDelegateToGeneratedFactory(true);
    google::protobuf::FileDescriptorProto proto;
    if (!google::protobuf::TextFormat::ParseFromString(kSampleFile, &proto)) std::abort();
    file = pool.BuildFile(proto);
    if (file == nullptr) std::abort();
  }
  static SamplePool& Get() {
    static auto* const pool = new SamplePool;
    return *pool;
  }
};

inline google::protobuf::Descriptor const& SampleType() { return *SamplePool::Get().file->FindMessageTypeByName("Sample"); }

inline std::unique_ptr<google::protobuf::Message> NewOf(std::string const& type, std::string const& text = "") {
  auto& pool = SamplePool::Get();
  std::unique_ptr<google::protobuf::Message> message(pool.factory.GetPrototype(pool.file->FindMessageTypeByName(type))->New());
  if (!google::protobuf::TextFormat::ParseFromString(text, message.get())) std::abort();
  return message;
}
inline std::unique_ptr<google::protobuf::Message> NewSample(std::string const& text = "") { return NewOf("Sample", text); }

inline std::string GetText(google::protobuf::Message const& message, char const* field) {
  return message.GetReflection()->GetString(message, message.GetDescriptor()->FindFieldByName(field));
}
inline void SetText(google::protobuf::Message& message, char const* field, std::string const& value) {
  message.GetReflection()->SetString(&message, message.GetDescriptor()->FindFieldByName(field), value);
}

// What a bind is, to compare: `'text'`, `5`, `true`, `NULL`, `x0102`.
inline std::string Show(Bind const& bind) {
  if (auto const* const text = std::get_if<std::string_view>(&bind)) return absl::StrCat("'", Av(*text), "'");
  if (auto const* const number = std::get_if<std::int64_t>(&bind)) return absl::StrCat(*number);
  if (auto const* const flag = std::get_if<bool>(&bind)) return *flag ? "true" : "false";
  if (std::holds_alternative<std::nullptr_t>(bind)) return "NULL";
  std::string hex = "x";
  for (std::byte const byte : std::get<Bytes>(bind))
    absl::StrAppend(&hex, absl::Hex(std::to_integer<int>(byte), absl::kZeroPad2));
  return hex;
}
inline std::vector<std::string> ShowAll(std::span<Bind const> binds) {
  std::vector<std::string> result;
  for (auto const& bind : binds) result.push_back(Show(bind));
  return result;
}

// How two messages differ; empty when they do not.
inline std::string Difference(google::protobuf::Message const& a, google::protobuf::Message const& b) {
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  return differencer.Compare(a, b) ? "" : difference;
}

// The columns of the table, as a database describes them.
inline std::vector<DatabaseColumn> SampleColumns() {
  auto const column = [](char const* name, ColumnType type, bool nullable, bool key = false) {
    return DatabaseColumn{name, type, nullable, key};
  };
  constexpr auto text = ColumnType::kText;
  constexpr auto integer = ColumnType::kInteger;
  constexpr auto bytes = ColumnType::kBytes;
  return {column("organisation", text, false, true),
          column("dwelling", text, false, true),
          column("title", text, false),
          column("note", text, true),
          column("heading", text, false),
          column("heading_sort", bytes, false),
          column("number", integer, false),
          column("rank", integer, true),
          column("state", integer, false),
          column("active", ColumnType::kBool, false),
          column("day", text, true),
          column("moment", integer, true),
          column("period_start_date", text, false),
          column("period_end_date", text, true),
          column("department", text, true),
          column("elsewhere", text, true),
          column("elsewhere_organisation", text, true),
          column("nickname", text, true),
          column("blob", bytes, true),
          column("hidden", text, false),
          column("revision", integer, false),
          column("create_time", integer, false),
          column("update_time", integer, false)};
}

inline std::unique_ptr<Mapping> SampleMapping() { return *Mapping::Make(SampleType(), "samples", {}, SampleColumns()); }

// Makes the tables and opens the one of samples; aborts when that fails.
inline std::unique_ptr<Table> OpenSamples(Database& database) {
  Migration const migration{"sample", 1, "sample", kSampleSchema, kSampleSchema};
  if (auto const migrated = Migrate(database, std::span(&migration, 1)); !migrated.ok()) {
    std::fprintf(stderr, "%s\n", migrated.status().ToString().c_str());
    std::abort();
  }
  auto table = Table::Open(
      database, {.message = &SampleType(), .name = "samples", .extra = {"secret_extra"}, .factory = &SamplePool::Get().factory});
  if (!table.ok()) {
    std::fprintf(stderr, "%s\n", table.status().ToString().c_str());
    std::abort();
  }
  return *std::move(table);
}

}  // namespace helhed::storage
