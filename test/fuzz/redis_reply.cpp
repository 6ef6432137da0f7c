// What a Redis server replies: in one piece and byte by byte the same comes of it, and it is used
// without harm.

#include "token_store/redis_reply.hpp"

#include "fuzz.hpp"
#include "token_store/redis_error.hpp"
#include "token_store/redis_verbs.hpp"

#include <algorithm>
#include <vector>

namespace
{

namespace redis = coauth::redis;

struct outcome
{
    std::vector<redis::reply> replies;
    coauth::errc failure{};
};

outcome read(std::string_view bytes, std::size_t piece)
{
    outcome got;
    redis::reply_reader reader;
    while (!bytes.empty())
    {
        auto const part = bytes.substr(0, piece);
        bytes.remove_prefix(part.size());
        if (auto const fed = reader.feed(part); !fed)
        {
            got.failure = fed.error().value();
            return got;
        }
        for (;;)
        {
            auto next = reader.next();
            if (!next)
            {
                got.failure = next.error().value();
                return got;
            }
            if (!*next)
                break;
            got.replies.push_back(std::move(**next));
        }
    }
    return got;
}

bool equal(redis::reply const& a, redis::reply const& b)
{
    return a.type == b.type && a.integer == b.integer && a.text == b.text &&
           std::equal(
               a.elements.begin(), a.elements.end(), b.elements.begin(), b.elements.end(), equal);
}

std::size_t elements(redis::reply const& of)
{
    std::size_t count = of.elements.size();
    for (auto const& one : of.elements)
        count += elements(one);
    return count;
}

void use(redis::reply const& one)
{
    using kind = redis::reply::kind;
    fuzz::require(elements(one) <= redis::reply_reader::max_elements, "the elements are bounded");
    fuzz::require(one.text.size() <= redis::reply_reader::max_size, "the size is bounded");
    if (one.type != kind::error)
        return;
    for (auto const& failure :
         {redis::make_reply_error(one.text, "redis.example:6379"),
          redis::make_login_error(one.text, "redis.example:6379"),
          redis::make_database_error(one.text, "redis.example:6379", "1")})
    {
        fuzz::require(
            !fuzz::has_control(failure.message()), "no text contains a control character");
        fuzz::require(failure.message().size() < 600, "messages are short");
    }
    (void)redis::action_of(one.text);
    if (auto const leads_to = redis::parse_redirection(one.text))
    {
        fuzz::require(leads_to->slot < 16'384 && leads_to->port != 0, "a redirection is valid");
        fuzz::require(!fuzz::has_control(leads_to->host), "a host is a name or an address");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    auto const whole = read(text, std::max<std::size_t>(size, 1));
    auto const split = read(text, 1);
    fuzz::require(whole.failure == split.failure, "the pieces do not matter");
    fuzz::require(
        std::equal(
            whole.replies.begin(), whole.replies.end(), split.replies.begin(), split.replies.end(),
            equal),
        "the pieces do not change the replies");
    for (auto const& one : whole.replies)
        use(one);
    if (auto const record = redis::read_record(whole.replies))
        fuzz::require(
            record->remaining.count() >= 0 &&
                record->record.empty() == (record->remaining.count() == 0),
            "a record has a time");
    for (auto const what :
         {coauth::store_operation::claim, coauth::store_operation::renew,
          coauth::store_operation::publish})
        for (auto const form : {redis::command_form::script_text, redis::command_form::plain})
            (void)redis::read_outcome({what, "name", "owner", {}, {}}, form, whole.replies);
    return 0;
}
