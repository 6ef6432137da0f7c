#ifndef COAUTH_SRC_VALUES_WATCHED_FILE_HPP
#define COAUTH_SRC_VALUES_WATCHED_FILE_HPP

#include <coauth/result.hpp>
#include <coauth/secret.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace coauth::detail
{

// Identifies one version of a file: a file that was replaced or written to has another stamp. All
// zero: there is no file.
struct file_stamp
{
    std::int64_t device = 0;
    std::int64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;

    friend bool operator==(file_stamp const&, file_stamp const&) = default;
};

// A file that may be replaced while the program runs. It stores no contents: whoever uses them
// keeps the version that it read. Immutable; may be used from any thread.
class watched_file
{
public:
    // What the file is for, and what a message about it says.
    struct purpose
    {
        // Names the option or the kind of file, such as "tls.key_file".
        std::string subject;
        // What the user should do, such as "give the path of a PEM file". May be empty.
        std::string advice = {};
        // In bytes. A larger file is an error: it is not the file that was meant.
        std::size_t max_size = std::size_t(1024) * 1024;
        bool may_be_empty = false;
        // For readers that understand it.
        bool may_be_utf16 = false;
    };

    // A version of the file. Default: none was read.
    struct version
    {
        file_stamp stamp = {};
        // Two changes within one tick of the file system's clock leave the same stamp. Only the
        // stamp of a file that was not new when it was read identifies its contents. A pipe or a
        // device can be read once: its first version stays.
        bool settled = false;

        friend bool operator==(version const&, version const&) = default;
    };

    struct contents
    {
        secret text;
        watched_file::version version;
    };

    watched_file(std::string path, purpose of);

    // True if the file still has these contents, or is still absent, as far as its stamp tells. One
    // system call.
    [[nodiscard]] bool is_current(version const& known) const noexcept;
    // The version on disk, without its contents.
    [[nodiscard]] version current_version() const noexcept;
    // The whole file; or `errc::invalid_configuration` with a message that names the file. UTF-16
    // text is an error too, unless the purpose allows it.
    [[nodiscard]] result<contents> read() const;

    [[nodiscard]] std::string const& path() const noexcept { return path_; }
    // How messages name the file: the subject and the path.
    [[nodiscard]] std::string name() const;

private:
    [[nodiscard]] error unreadable(int error_number) const;
    [[nodiscard]] error wrong_encoding() const;
    [[nodiscard]] error wrong_size(std::size_t size, std::int64_t reported_size) const;
    [[nodiscard]] std::string with_advice(std::string text) const;

    std::string path_;
    purpose purpose_;
};

} // namespace coauth::detail

#endif
