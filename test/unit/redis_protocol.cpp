// The commands of the verbs, and what replies and errors mean.

#include "token_store/redis_error.hpp"
#include "token_store/redis_verbs.hpp"

#include <boost/test/unit_test.hpp>

#include <openssl/evp.h>

#include <cstdio>

using namespace coauth::redis;

BOOST_AUTO_TEST_SUITE(redis_protocol)

using coauth::errc;

namespace
{

std::string sha1(std::string const& text)
{
    unsigned char digest[20];
    unsigned size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
    std::string out;
    for (auto const byte : digest)
    {
        char hex[3];
        std::snprintf(hex, sizeof hex, "%02x", static_cast<unsigned>(byte));
        out += hex;
    }
    return out;
}

// The words of the first command.
std::vector<std::string> words_of(commands const& of)
{
    reply_reader reader;
    BOOST_TEST_REQUIRE(reader.feed(of.bytes.view()).has_value());
    auto const first = reader.next();
    BOOST_TEST_REQUIRE(first.has_value());
    std::vector<std::string> words;
    for (auto const& word : (*first)->elements)
        words.push_back(word.text);
    return words;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_script_is_known_by_its_digest)
{
    for (auto const what :
         {coauth::store_operation::renew, coauth::store_operation::publish,
          coauth::store_operation::release, coauth::store_operation::remove_if})
    {
        verb_call const call{what, "name", "owner", "record", std::chrono::seconds(1)};
        auto const by_text = words_of(make_commands(call, "p:", command_form::script_text));
        auto const by_digest = words_of(make_commands(call, "p:", command_form::script_digest));
        BOOST_TEST_REQUIRE(by_text.size() == by_digest.size());
        BOOST_TEST(by_text[0] == "EVAL");
        BOOST_TEST(by_digest[0] == "EVALSHA");
        BOOST_TEST(by_digest[1] == sha1(by_text[1]));
    }
}

BOOST_AUTO_TEST_CASE(slots_are_those_of_the_cluster)
{
    // CLUSTER KEYSLOT of the key.
    BOOST_TEST(slot_of("", "123456789") == 0x31C3);
    BOOST_TEST(slot_of("", "foo") == 12'182);
    BOOST_TEST(slot_of("coauth:", "foo") == 12'182);
    BOOST_TEST(slot_of("coauth:", "any:{foo}.bar") == 12'182);
}

BOOST_AUTO_TEST_CASE(redirections_are_parsed)
{
    auto const moved = parse_redirection("MOVED 3999 127.0.0.1:6381");
    BOOST_TEST_REQUIRE(moved.has_value());
    BOOST_TEST(moved->slot == 3999);
    BOOST_TEST(moved->host == "127.0.0.1");
    BOOST_TEST(moved->port == 6381);
    BOOST_TEST(parse_redirection("ASK 0 [2001:db8::1]:1")->host == "2001:db8::1");
    BOOST_TEST(parse_redirection("ASK 0 2001:db8::1:6379")->host == "2001:db8::1");
    BOOST_TEST(parse_redirection("MOVED 1 redis.example:6379")->host == "redis.example");
    BOOST_TEST(parse_redirection("MOVED 1 :6379")->host.empty());
    BOOST_TEST(parse_redirection("MOVED 1 ?:6379")->host.empty());
    for (auto const* const bad :
         {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a",
          "MOVED 1 a:0", "MOVED 1 a:65536", "MOVED 1 a:1x", "MOVED 1 a b:1", "MOVED 1 a@b:1",
          "MOVED 1 a\n:1", "ERR 1 a:1"})
        BOOST_TEST(!parse_redirection(bad), bad);
}

BOOST_AUTO_TEST_CASE(error_replies_have_their_action_and_their_code)
{
    struct row
    {
        char const* text;
        error_action action;
        errc code;
    };
    row const rows[] = {
        {"NOSCRIPT No matching script. Please use EVAL.", error_action::send_script,
         errc::server_error},
        {"READONLY You can't write against a read only replica.", error_action::replace_connection,
         errc::temporarily_unavailable},
        {"ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You "
         "can't write against a read only slave. ",
         error_action::replace_connection, errc::temporarily_unavailable},
        {"NOAUTH Authentication required.", error_action::replace_connection, errc::access_denied},
        {"NOPERM this user has no permissions to run the 'evalsha' command or its subcommand",
         error_action::use_plain_commands, errc::access_denied},
        {"NOPERM User coauth has no permissions to run the 'eval' command",
         error_action::use_plain_commands, errc::access_denied},
        {"ERR unknown command 'EVALSHA', with args beginning with: 'x' ",
         error_action::use_plain_commands, errc::server_error},
        {"ERR unknown command `EVALSHA`, with args beginning with: `x`, ",
         error_action::use_plain_commands, errc::server_error},
        {"NOPERM this user has no permissions to access one of the keys used as arguments",
         error_action::report, errc::access_denied},
        {"ERR The user executing the script can't run this command or subcommand script: 1, on "
         "@user_script:1.",
         error_action::report, errc::access_denied},
        {"ERR ACL failure in script: User coauth has no permissions to run the 'set' command "
         "script: 1, on @user_script:1.",
         error_action::report, errc::access_denied},
        {"OOM command not allowed when used memory > 'maxmemory'.", error_action::report,
         errc::temporarily_unavailable},
        {"LOADING Redis is loading the dataset in memory", error_action::report,
         errc::temporarily_unavailable},
        {"CLUSTERDOWN The cluster is down", error_action::report, errc::temporarily_unavailable},
        {"ERR wrong number of arguments", error_action::report, errc::server_error},
        {"", error_action::report, errc::server_error},
    };
    for (auto const& [text, action, code] : rows)
    {
        BOOST_TEST_CONTEXT(text)
        {
            BOOST_TEST((action_of(text) == action));
            BOOST_TEST((make_reply_error(text, "redis.example:6379") == code));
        }
    }
}

BOOST_AUTO_TEST_CASE(the_time_of_a_record_is_the_lesser_one)
{
    auto const number = [](std::int64_t value)
    {
        reply made;
        made.type = reply::kind::integer;
        made.integer = value;
        return made;
    };
    reply record;
    record.type = reply::kind::text;
    record.text = "record";
    auto const remaining = [&](std::int64_t before, std::int64_t after)
    { return read_record({number(before), record, number(after), number(0)})->remaining.count(); };
    BOOST_TEST(remaining(500, 400) == 400);
    BOOST_TEST(remaining(400, 500'000) == 400);
    BOOST_TEST(remaining(-2, 500) == 0);
    BOOST_TEST(remaining(500, -2) == 0);
    BOOST_TEST(remaining(-1, -1) == 0);
    BOOST_TEST(read_record({number(-2), record, number(500), number(0)})->record.empty());
    BOOST_TEST(read_record({number(1), number(1), number(1), number(0)}).has_error());
    BOOST_TEST(read_record({}).has_error());
}

BOOST_AUTO_TEST_CASE(asking_precedes_each_command)
{
    auto const plain = make_commands({}, "", command_form::plain);
    auto const asking = make_commands({}, "", command_form::plain, true);
    BOOST_TEST(asking.replies == 2 * plain.replies);
    BOOST_TEST(words_of(asking) == std::vector<std::string>{"ASKING"});
}

BOOST_AUTO_TEST_SUITE_END()
