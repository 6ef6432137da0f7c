#include "token_store/redis_reply.hpp"

#include "values/make_error.hpp"

#include <hiredis/read.h>
#include <new>
#include <utility>

namespace coauth::redis
{

// What the parser makes of each element. Of a null pointer it makes an error.
struct reply_reader::callbacks
{
    static reply_reader& reader_of(redisReadTask const* task)
    {
        return *static_cast<reply_reader*>(task->privdata);
    }

    // An element of an array is a part of it; the parser owns the outermost reply alone.
    static void* place(redisReadTask const* task, reply&& value) noexcept
    {
        if (task->parent == nullptr)
            return new (std::nothrow) reply(std::move(value));
        auto& array = *static_cast<reply*>(task->parent->obj);
        auto& element = array.elements[static_cast<std::size_t>(task->idx)];
        element = std::move(value);
        return &element;
    }

    static int depth_of(redisReadTask const* task) noexcept
    {
        int depth = 0;
        for (; task->parent != nullptr; task = task->parent)
            ++depth;
        return depth;
    }

    // RESP3, which no server sends unless it is asked to.
    static void* refuse(redisReadTask const* task) noexcept
    {
        reader_of(task).is_malformed_ = true;
        return nullptr;
    }

    static void* make_string(redisReadTask const* task, char* text, std::size_t size) noexcept
    try
    {
        reply made;
        switch (task->type)
        {
        case REDIS_REPLY_STRING:
            made.type = reply::kind::text;
            break;
        case REDIS_REPLY_STATUS:
            made.type = reply::kind::status;
            break;
        case REDIS_REPLY_ERROR:
            made.type = reply::kind::error;
            break;
        default:
            return refuse(task);
        }
        made.text.assign(text, size);
        return place(task, std::move(made));
    }
    catch (std::bad_alloc const&)
    {
        return nullptr;
    }

    static void* make_array(redisReadTask const* task, std::size_t count) noexcept
    try
    {
        // The limit of hiredis depends on its version.
        if (task->type != REDIS_REPLY_ARRAY || depth_of(task) > max_depth)
            return refuse(task);
        auto& reader = reader_of(task);
        if (count > max_elements - reader.elements_)
        {
            reader.has_too_many_elements_ = true;
            return nullptr;
        }
        reader.elements_ += count;
        reply made;
        made.type = reply::kind::array;
        made.elements.resize(count);
        return place(task, std::move(made));
    }
    catch (std::bad_alloc const&)
    {
        return nullptr;
    }

    static void* make_integer(redisReadTask const* task, long long value) noexcept
    {
        reply made;
        made.type = reply::kind::integer;
        made.integer = value;
        return place(task, std::move(made));
    }

    static void* make_nil(redisReadTask const* task) noexcept { return place(task, reply()); }

    static void destroy(void* outermost) noexcept { delete static_cast<reply*>(outermost); }

    // The types of hiredis 1.0 and later differ from those of 0.14 in some places.
    template <class Functions>
    static void fill(Functions& functions)
    {
        functions.createString = make_string;
        functions.createArray = [](redisReadTask const* task, auto count) -> void*
        { return make_array(task, static_cast<std::size_t>(count)); };
        functions.createInteger = make_integer;
        functions.createNil = make_nil;
        functions.freeObject = destroy;
        if constexpr (requires { functions.createDouble; })
            functions.createDouble = [](redisReadTask const* task, auto...) -> void*
            { return refuse(task); };
        if constexpr (requires { functions.createBool; })
            functions.createBool = [](redisReadTask const* task, auto) -> void*
            { return refuse(task); };
    }
};

void reply_reader::free_reader::operator()(redisReader* reader) const noexcept
{
    redisReaderFree(reader);
}

reply_reader::reply_reader() : functions_(std::make_unique<redisReplyObjectFunctions>())
{
    callbacks::fill(*functions_);
    reader_.reset(redisReaderCreateWithFunctions(functions_.get()));
    if (!reader_)
        throw std::bad_alloc();
    reader_->privdata = this;
}

reply_reader::~reply_reader() = default;

result<void> reply_reader::feed(std::string_view bytes)
{
    // Several replies may come at once; `next` has read those before.
    if (bytes.size() > max_size || unread_ > max_size - bytes.size())
        return detail::make_error(
            errc::response_too_large, "a reply of the Redis server exceeds 128 KiB");
    unread_ += bytes.size();
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
        return error(errc::out_of_memory);
    return {};
}

result<std::optional<reply>> reply_reader::next()
{
    void* found = nullptr;
    if (redisReaderGetReply(reader_.get(), &found) != REDIS_OK)
    {
        if (has_too_many_elements_)
            return detail::make_error(
                errc::response_too_large, "a reply of the Redis server has too many elements");
        if (reader_->err == REDIS_ERR_OOM && !is_malformed_)
            return error(errc::out_of_memory);
        return detail::make_error(
            errc::malformed_response, "what the server sent is not a reply of Redis");
    }
    if (found == nullptr)
        return std::optional<reply>();
    std::unique_ptr<reply> const owned(static_cast<reply*>(found));
    elements_ = 0;
    unread_ = reader_->len - reader_->pos;
    return std::optional<reply>(std::move(*owned));
}

} // namespace coauth::redis
