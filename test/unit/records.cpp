// What a fleet stores: keys, names and encrypted records.

#include "support.hpp"
#include "token_source/shared_name.hpp"
#include "token_store/record.hpp"

#include <algorithm>
#include <set>

using namespace test;

BOOST_AUTO_TEST_SUITE(records)

using coauth::access_token;
using coauth::errc;
using coauth::token_request;
using coauth::detail::clock_pair;
using coauth::detail::key_ring;
using coauth::detail::record_content;
using std::chrono::milliseconds;

namespace
{

constexpr char const* key_a = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
constexpr char const* key_b = "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=";
constexpr char const* name = "coauth:{name}";

clock_pair const now{
    std::chrono::system_clock::time_point(std::chrono::seconds(1'800'000'000)),
    std::chrono::steady_clock::time_point(1000h)};

clock_pair later(std::chrono::seconds span)
{
    return {now.wall + span, now.steady + span};
}

key_ring ring(std::string const& text)
{
    auto parsed = key_ring::parse(text);
    BOOST_REQUIRE_MESSAGE(parsed, (parsed ? "" : parsed.error().message()));
    return std::move(*parsed);
}

// Requested 100 s ago.
access_token token(std::string type = "Bearer", std::optional<std::chrono::seconds> life = 3600s)
{
    coauth::access_token_info info;
    info.value = "secret-token";
    info.token_type = std::move(type);
    info.scope = "read write";
    info.requested_at = now.wall - 100s;
    info.requested_at_steady = now.steady - 100s;
    info.lifetime = life;
    info.members.push_back({"refresh_token", coauth::secret("\"secret-refresh\"")});
    info.members.push_back({"refresh_in", coauth::secret("1800")});
    info.http_status = 200;
    return access_token(std::move(info));
}

record_content content(access_token of = token())
{
    record_content one;
    one.token = std::move(of);
    one.life = 3000s;
    return one;
}

std::string seal(key_ring const& keys, record_content const& what, std::string_view as = name)
{
    auto record = coauth::detail::seal_record(keys, as, what, now);
    BOOST_REQUIRE(record);
    return *record;
}

coauth::result<record_content> open(
    key_ring const& keys, std::string_view record, milliseconds remaining = 2990s,
    clock_pair at = later(10s), std::string_view as = name)
{
    return coauth::detail::open_record(keys, as, record, remaining, at);
}

} // namespace

BOOST_AUTO_TEST_CASE(key_rings_are_read_line_by_line)
{
    auto const keys = ring("# comment\r\n\n first : " + std::string(key_a) + "\r\n" + key_b);
    BOOST_TEST(keys.first().id == "first");
    BOOST_TEST(keys.find("first") != nullptr);
    BOOST_TEST(keys.find("second") == nullptr);
    // The id of a key without one follows from the key, and is not the key.
    auto const id = ring(key_b).first().id;
    BOOST_TEST(keys.find(id) != nullptr);
    BOOST_TEST(id.size() == 8U);
    check_lacks(key_b, id);
    BOOST_TEST(text(keys.first().sealing) != text(keys.first().digest));
}

BOOST_AUTO_TEST_CASE(faulty_key_rings_are_refused_with_the_line_and_without_the_key)
{
    struct row
    {
        char const* what;
        std::string text;
        char const* message;
    };
    for (auto const& [what, text, message] : std::vector<row>{
             {"empty", "", "there is no default key"},
             {"a comment alone", "# " + std::string(key_a), "there is no default key"},
             {"short", "a:MDEyMzQ1Njc4OWFiY2RlZg==", "line 1"},
             {"a pass-phrase", "correct horse battery staple", "32 bytes"},
             {"no base64", "\na:" + std::string(key_a) + "!", "line 2"},
             {"no id", ":" + std::string(key_a), "id"},
             {"an id with a space", "a b:" + std::string(key_a), "id"},
             {"a long id", std::string(33, 'a') + ":" + key_a, "id"},
             {"the same id twice", "a:" + std::string(key_a) + "\na:" + key_b, "line 2"},
             {"the same key twice", std::string(key_a) + "\n" + key_a, "line 2"},
             {"zeros", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "guess"}})
        BOOST_TEST_CONTEXT(what)
        {
            auto const parsed = key_ring::parse(text);
            BOOST_REQUIRE(!parsed);
            BOOST_TEST(outcome(parsed) == "invalid_configuration");
            check_contains(parsed.error().message(), message);
            check_lacks(parsed.error().message(), "MDEy");
            check_lacks(parsed.error().message(), "horse");
        }
}

BOOST_AUTO_TEST_CASE(a_record_gives_the_token_back_without_its_refresh_token)
{
    auto const keys = ring(key_a);
    auto const record = seal(keys, content());
    for (auto const* const secret : {"secret-token", "secret-refresh", "read", "Bearer", key_a})
        check_lacks(record, secret);
    auto const opened = open(keys, record);
    BOOST_REQUIRE(opened);
    auto const& got = opened->token;
    BOOST_TEST(got.value() == "secret-token");
    BOOST_TEST(got.authorization() == "Bearer secret-token");
    BOOST_TEST(got.scope() == "read write");
    BOOST_TEST(got.refresh_token().empty());
    BOOST_TEST(got.members().size() == 1U);
    BOOST_TEST(got.member("refresh_in").value_or("") == "1800");
    BOOST_TEST(got.http_status() == 200U);
    // Ten seconds later it is ten seconds older, whatever the wall clocks say.
    BOOST_TEST((opened->age == 10s));
    BOOST_TEST((got.requested_at_steady() == now.steady - 100s));
    BOOST_TEST((got.requested_at() == now.wall - 100s));
    BOOST_TEST((got.lifetime() == 3600s));
    BOOST_TEST(!opened->failure);
    BOOST_TEST(!opened->unshareable);
}

BOOST_AUTO_TEST_CASE(lives_follow_from_the_remaining_time_and_the_monotonic_clock)
{
    auto const keys = ring(key_a);
    auto const record = seal(keys, content());
    for (auto const wrong : {-1h, 0h, 1h})
    {
        clock_pair const other{now.wall + wrong, std::chrono::steady_clock::time_point(5h)};
        auto const opened = open(keys, record, 1000s, other);
        BOOST_REQUIRE(opened);
        BOOST_TEST((opened->age == 2000s));
        BOOST_TEST((opened->token.requested_at_steady() == other.steady - 2100s));
    }
    auto const endless = open(keys, seal(keys, content(token("Bearer", std::nullopt))));
    BOOST_REQUIRE(endless);
    BOOST_TEST(!endless->token.lifetime());
    // The prover has its key for tokens that are requested from now on.
    auto const bound = open(keys, seal(keys, content(token("DPoP"))));
    BOOST_REQUIRE(bound);
    BOOST_TEST((bound->token.requested_at_steady() == later(10s).steady));
    BOOST_TEST((bound->token.lifetime() == 3490s));
}

BOOST_AUTO_TEST_CASE(a_record_gives_a_failure_back_with_the_time_that_is_left)
{
    auto const keys = ring(key_a);
    coauth::error_info info;
    info.http_status = 503;
    info.context = "context";
    info.oauth_error = "temporarily_unavailable";
    info.description = "maintenance";
    info.uri = "https://as.example/status";
    info.server_code = -7;
    info.attempts = 3;
    record_content failed;
    failed.failure = {coauth::error(errc::temporarily_unavailable, info), 30s, 4};
    failed.life = 90s;
    auto const opened = open(keys, seal(keys, failed), 80s);
    BOOST_REQUIRE(opened);
    BOOST_REQUIRE(opened->failure);
    BOOST_TEST(opened->token.empty());
    BOOST_TEST(opened->failure->count == 4U);
    BOOST_TEST((opened->failure->back_off == 20s));
    auto const& failure = opened->failure->failure;
    info.retry_at = later(10s).wall + 20s;
    BOOST_TEST((failure == coauth::error(errc::temporarily_unavailable, info)));
    record_content marker;
    marker.unshareable = true;
    marker.life = 60s;
    auto const alone = open(keys, seal(keys, marker), 60s);
    BOOST_REQUIRE(alone);
    BOOST_TEST(alone->unshareable);
}

BOOST_AUTO_TEST_CASE(unusable_records_are_refused)
{
    auto const keys = ring("b:" + std::string(key_a));
    auto const record = seal(keys, content());
    auto changed = [&](std::size_t at)
    {
        auto copy = record;
        copy.at(at) = static_cast<char>(copy.at(at) ^ 1);
        return copy;
    };
    struct row
    {
        char const* what;
        coauth::result<record_content> opened;
        char const* message;
    };
    for (auto const& [what, opened, message] : std::vector<row>{
             {"of another name", open(keys, record, 10s, now, "coauth:{other}"), "another name"},
             {"of another key", open(ring(key_b), record), "not among the keys"},
             {"of another key of the same id", open(ring("b:" + std::string(key_b)), record),
              "another key of the same id"},
             {"with a changed digest", open(keys, changed(0)), "was changed"},
             {"with another version", open(keys, changed(16)), "another version"},
             {"with another key id", open(keys, changed(18)), "not among the keys"},
             {"with a changed nonce", open(keys, changed(19)), "was changed"},
             {"with changed contents", open(keys, changed(60)), "was changed"},
             {"with a changed tag", open(keys, changed(record.size() - 1)), "was changed"},
             {"with a byte more", open(keys, record + 'a'), "was changed"},
             {"of more than 64 KiB", open(keys, std::string(65537, 'a')), "64 KiB"},
             {"with more life than it was given", open(keys, record, 3002s, now), "longer"},
             {"put back after a day and its life", open(keys, record, 2000s, later(24h + 3010s)),
              "too old"},
             {"from days to come", open(keys, record, 2000s, later(-25h)), "too old"}})
        BOOST_TEST_CONTEXT(what)
        {
            BOOST_REQUIRE(!opened);
            check_contains(opened.error().message(), message);
            check_lacks(opened.error().message(), "secret");
        }
    for (std::size_t size = 0; size < record.size(); ++size)
        BOOST_TEST(!open(keys, record.substr(0, size)).has_value());
    BOOST_TEST(open(keys, record, 2000s, later(24h)).has_value());
}

BOOST_AUTO_TEST_CASE(equal_records_differ_and_have_one_digest)
{
    auto const keys = ring(key_a);
    auto const a = seal(keys, content());
    auto const b = seal(keys, content());
    BOOST_TEST(a != b);
    // In front, so that the record of another token is not removed in place of this one.
    BOOST_TEST(a.substr(0, 16) == b.substr(0, 16));
    BOOST_TEST(a.substr(16 + 10, 12) != b.substr(16 + 10, 12));
    BOOST_TEST(a.substr(0, 16) != seal(keys, content(), "coauth:{other}").substr(0, 16));
    BOOST_TEST(a.substr(0, 16) != seal(ring(key_b), content()).substr(0, 16));
}

BOOST_AUTO_TEST_CASE(any_key_of_the_ring_opens_and_the_first_seals)
{
    auto const old_keys = ring("old:" + std::string(key_a));
    auto const both = ring("new:" + std::string(key_b) + "\nold:" + key_a);
    BOOST_TEST(open(both, seal(old_keys, content())).has_value());
    BOOST_TEST(!open(old_keys, seal(both, content())).has_value());
    BOOST_TEST(open(ring("new:" + std::string(key_b)), seal(both, content())).has_value());
}

BOOST_AUTO_TEST_CASE(records_have_at_most_64_kib)
{
    auto const keys = ring(key_a);
    for (auto const& [size, fits] :
         std::vector<std::pair<std::size_t, bool>>{{65'000, true}, {65'536, false}})
    {
        coauth::access_token_info info;
        info.value = std::string(size, 'a');
        info.requested_at = now.wall;
        info.requested_at_steady = now.steady;
        auto const record =
            coauth::detail::seal_record(keys, name, content(access_token(std::move(info))), now);
        BOOST_TEST(outcome(record) == (fits ? "success" : "response_too_large"));
    }
}

BOOST_AUTO_TEST_CASE(names_are_digests_of_all_that_defines_a_token)
{
    auto shared = [](coauth::client_config const& of, token_request const& request = {},
                     std::string const& binding = ";", std::string_view user = {})
    {
        return coauth::detail::shared_name(
                   "coauth", coauth::detail::identity_of(of, binding).value(), user, request)
            .value();
    };
    auto with = [](auto const& change)
    {
        auto changed = config();
        change(changed);
        return changed;
    };
    auto const base = shared(config());
    BOOST_TEST(base.size() == std::string_view("coauth:{}").size() + 43);
    check_lacks(base, "example");
    BOOST_TEST(shared(config()) == base);
    BOOST_TEST(
        shared(config(), token_request().scope("a b")) ==
        shared(config(), token_request().scope("b a a")));
    // Those of a request must not select an account, and may differ in each process.
    BOOST_TEST(shared(config(), token_request().header("traceparent", "00-1-2-01")) == base);
    BOOST_TEST(
        shared(with([](auto& c) { c.headers = {{"a", "1"}, {"b", "2"}}; })) ==
        shared(with([](auto& c) { c.headers = {{"B", "2"}, {"A", "1"}}; })));
    // The secret does not define the token: it is rotated.
    BOOST_TEST(
        shared(with(
            [](auto& c)
            {
                c.authentication =
                    coauth::client_authentication::client_secret_basic(client_id, "another");
            })) == base);
    std::vector<std::string> const names{
        base,
        shared(with([](auto& c) { c.server.token_endpoint = "https://b.example/token"; })),
        shared(with([](auto& c) { c.server.issuer = "https://as.example.com"; })),
        shared(with(
            [](auto& c)
            { c.authentication = coauth::client_authentication::client_secret_basic("b", "s"); })),
        shared(config(), token_request().scope("a")),
        shared(config(), token_request().audience("a")),
        shared(config(), token_request().resource("a")),
        shared(config(), token_request().parameter("a", "b")),
        shared(config(), token_request().parameter("ab", "")),
        shared(config(), token_request().audience("a").audience("b")),
        shared(config(), token_request().authorization_details(R"([{"type":"a"}])")),
        shared(with([](auto& c) { c.headers = {{"X-Tenant", "a"}}; })),
        shared(with([](auto& c) { c.headers = {{"X-Tenant", "b"}}; })),
        shared(config(), token_request::token_exchange(coauth::secret("a"))),
        shared(config(), token_request::token_exchange(coauth::secret("b"))),
        shared(config(), token_request::jwt_bearer(coauth::secret("a"))),
        shared(config(), {}, "thumbprint;"),
        shared(config(), {}, ";certificate"),
        shared(config(), {}, ";", "tenant")};
    BOOST_TEST(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}

BOOST_AUTO_TEST_CASE(what_two_processes_could_not_share_has_no_name)
{
    auto name_of = [](token_request const& request, std::string_view user = {})
    { return coauth::detail::shared_name("coauth", "client", user, request); };
    auto const provider = [] { return coauth::result<coauth::secret>(coauth::secret("a")); };
    coauth::secret_provider const function(provider);
    BOOST_TEST(!name_of(token_request::refresh_token(coauth::secret("a"))));
    BOOST_TEST(!name_of(token_request::refresh_token(coauth::secret("a")), "user"));
    BOOST_TEST(!name_of(token_request::refresh_token(function), "user"));
    BOOST_TEST(!name_of(token_request::jwt_bearer(function)));
    BOOST_TEST(name_of(token_request::jwt_bearer(function), "user").has_value());
    // Keys that cannot be read now.
    BOOST_TEST(!coauth::detail::identity_of(config(), std::nullopt));
    auto anonymous = config();
    anonymous.authentication = coauth::client_authentication::client_assertion("", function);
    BOOST_TEST(!coauth::detail::knows_identity_of(anonymous));
    BOOST_TEST(coauth::detail::knows_identity_of(config()));
}

BOOST_AUTO_TEST_SUITE_END()
