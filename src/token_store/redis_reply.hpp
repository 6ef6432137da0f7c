#ifndef COAUTH_SRC_TOKEN_STORE_REDIS_REPLY_HPP
#define COAUTH_SRC_TOKEN_STORE_REDIS_REPLY_HPP

#include <coauth/result.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct redisReader;
struct redisReplyObjectFunctions;

namespace coauth::redis
{

// A reply of the protocol RESP2.
struct reply
{
    enum class kind
    {
        nil,
        status,
        error,
        integer,
        text,
        array,
    };
    kind type = kind::nil;
    std::int64_t integer = 0;
    // Of a status, an error or a text.
    std::string text;
    std::vector<reply> elements;
};

// Reads replies from the bytes of a connection with hiredis's parser, within limits of its own: a
// server must not make the client allocate without end.
class reply_reader
{
public:
    // In bytes on the wire, of one reply. The largest is a record of 64 KiB.
    static constexpr std::size_t max_size = std::size_t(128) * 1024;
    // Of all arrays of a reply together.
    static constexpr std::size_t max_elements = 64;
    static constexpr int max_depth = 7;

    // Throws `std::bad_alloc`.
    reply_reader();
    ~reply_reader();
    reply_reader(reply_reader const&) = delete;
    reply_reader& operator=(reply_reader const&) = delete;

    // Appends bytes. After a failure, of `next` too, the reader is of no more use.
    result<void> feed(std::string_view bytes);
    // The next reply; none: it needs more bytes. errc::malformed_response,
    // errc::response_too_large or errc::out_of_memory.
    result<std::optional<reply>> next();

private:
    struct callbacks;
    struct free_reader
    {
        void operator()(redisReader* reader) const noexcept;
    };

    std::unique_ptr<redisReplyObjectFunctions> const functions_;
    std::unique_ptr<redisReader, free_reader> reader_;
    // Bytes that were fed since the last complete reply.
    std::size_t unread_ = 0;
    // Of the reply that is being read.
    std::size_t elements_ = 0;
    bool has_too_many_elements_ = false;
    bool is_malformed_ = false;
};

} // namespace coauth::redis

#endif
