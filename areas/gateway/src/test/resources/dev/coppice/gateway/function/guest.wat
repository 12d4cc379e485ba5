;; A guest for tests: does what the first letter of the request's header "do" says. Made into guest.wasm by wat2wasm.
(module
  (import "http_handler" "enable_features" (func $enable_features (param i32) (result i32)))
  (import "http_handler" "get_config" (func $get_config (param i32 i32) (result i32)))
  (import "http_handler" "log" (func $log (param i32 i32 i32)))
  (import "http_handler" "log_enabled" (func $log_enabled (param i32) (result i32)))
  (import "http_handler" "get_method" (func $get_method (param i32 i32) (result i32)))
  (import "http_handler" "set_method" (func $set_method (param i32 i32)))
  (import "http_handler" "get_uri" (func $get_uri (param i32 i32) (result i32)))
  (import "http_handler" "set_uri" (func $set_uri (param i32 i32)))
  (import "http_handler" "get_protocol_version" (func $get_protocol_version (param i32 i32) (result i32)))
  (import "http_handler" "get_source_addr" (func $get_source_addr (param i32 i32) (result i32)))
  (import "http_handler" "get_header_names" (func $get_header_names (param i32 i32 i32) (result i64)))
  (import "http_handler" "get_header_values" (func $get_header_values (param i32 i32 i32 i32 i32) (result i64)))
  (import "http_handler" "set_header_value" (func $set_header_value (param i32 i32 i32 i32 i32)))
  (import "http_handler" "add_header_value" (func $add_header_value (param i32 i32 i32 i32 i32)))
  (import "http_handler" "remove_header" (func $remove_header (param i32 i32 i32)))
  (import "http_handler" "read_body" (func $read_body (param i32 i32 i32) (result i64)))
  (import "http_handler" "write_body" (func $write_body (param i32 i32 i32)))
  (import "http_handler" "get_status_code" (func $get_status_code (result i32)))
  (import "http_handler" "set_status_code" (func $set_status_code (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

  (memory (export "memory") 2)
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "do")
  (data (i32.const 32) "x-guest")
  (data (i32.const 64) "/new?a=b")
  (data (i32.const 80) "content-length")
  (data (i32.const 96) "1")
  (data (i32.const 112) "new body")
  (data (i32.const 128) "pay first")
  (data (i32.const 144) "x-body")
  (data (i32.const 160) "POST")
  (data (i32.const 176) "text/plain")
  (data (i32.const 192) "content-type")
  (data (i32.const 208) "x-answer")
  (data (i32.const 224) "a line\nanother")
  (data (i32.const 256) "/etc/passwd")

  ;; The first letter of "do", or 0.
  (func $do (result i32)
    (if (i64.eqz (call $get_header_values (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 1024) (i32.const 64)))
      (then (return (i32.const 0))))
    (i32.load8_u (i32.const 1024)))

  ;; Writes a number in decimals at an address, and gives their count.
  (func $decimal (param $number i32) (param $at i32) (result i32)
    (local $length i32) (local $rest i32)
    (local.set $rest (local.get $number))
    (local.set $length (i32.const 1))
    (block $counted
      (loop $count
        (local.set $rest (i32.div_u (local.get $rest) (i32.const 10)))
        (br_if $counted (i32.eqz (local.get $rest)))
        (local.set $length (i32.add (local.get $length) (i32.const 1)))
        (br $count)))
    (local.set $rest (i32.add (local.get $at) (local.get $length)))
    (block $written
      (loop $write
        (local.set $rest (i32.sub (local.get $rest) (i32.const 1)))
        (i32.store8 (local.get $rest)
          (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
        (local.set $number (i32.div_u (local.get $number) (i32.const 10)))
        (br_if $written (i32.eq (local.get $rest) (local.get $at)))
        (br $write)))
    (local.get $length))

  ;; Sets x-guest of the request to some bytes.
  (func $tell (param $at i32) (param $length i32)
    (call $set_header_value (i32.const 0) (i32.const 32) (i32.const 7) (local.get $at) (local.get $length)))

  (func $tell_number (param $number i32)
    (call $tell (i32.const 2048) (call $decimal (local.get $number) (i32.const 2048))))

  (func $endless (loop $again (br $again)))
  (func $deep (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))

  (func (export "handle_request") (result i64)
    (local $do i32) (local $length i32) (local $word i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (local.set $do (call $do))
    ;; u: the URI
    (if (i32.eq (local.get $do) (i32.const 117))
      (then (call $tell (i32.const 2048) (call $get_uri (i32.const 2048) (i32.const 1024)))))
    ;; g: the configuration
    (if (i32.eq (local.get $do) (i32.const 103))
      (then (call $tell (i32.const 2048) (call $get_config (i32.const 2048) (i32.const 1024)))))
    ;; v: the protocol
    (if (i32.eq (local.get $do) (i32.const 118))
      (then (call $tell (i32.const 2048) (call $get_protocol_version (i32.const 2048) (i32.const 1024)))))
    ;; d: the method
    (if (i32.eq (local.get $do) (i32.const 100))
      (then (call $tell (i32.const 2048) (call $get_method (i32.const 2048) (i32.const 1024)))))
    ;; i: the client
    (if (i32.eq (local.get $do) (i32.const 105))
      (then (call $tell (i32.const 2048) (call $get_source_addr (i32.const 2048) (i32.const 1024)))))
    ;; n: names of headers, what is behind their count, with room for all
    (if (i32.eq (local.get $do) (i32.const 110))
      (then
        (local.set $word (call $get_header_names (i32.const 0) (i32.const 2048) (i32.const 1024)))
        (local.set $length (i32.wrap_i64 (local.get $word)))
        (block $done
          (loop $next
            (br_if $done (i32.eqz (local.get $length)))
            (local.set $length (i32.sub (local.get $length) (i32.const 1)))
            (if (i32.eqz (i32.load8_u (i32.add (i32.const 2048) (local.get $length))))
              (then (i32.store8 (i32.add (i32.const 2048) (local.get $length)) (i32.const 44))))
            (br $next)))
        (call $tell (i32.const 2048) (i32.wrap_i64 (local.get $word)))))
    ;; 0: what is too long is not written: the length of the URI, as there is no room for it, and then a byte of where it would be
    (if (i32.eq (local.get $do) (i32.const 48))
      (then
        (i32.store8 (i32.const 3000) (i32.const 7))
        (call $tell_number
          (i32.add
            (i32.mul (i32.const 10) (call $get_uri (i32.const 3000) (i32.const 1)))
            (i32.load8_u (i32.const 3000))))))
    ;; k: how often it was called
    (if (i32.eq (local.get $do) (i32.const 107))
      (then (call $tell_number (global.get $calls))))
    ;; p: another path
    (if (i32.eq (local.get $do) (i32.const 112))
      (then (call $set_uri (i32.const 64) (i32.const 8))))
    ;; +: one value more, and -: none
    (if (i32.eq (local.get $do) (i32.const 43))
      (then
        (call $add_header_value (i32.const 0) (i32.const 32) (i32.const 7) (i32.const 96) (i32.const 1))
        (call $add_header_value (i32.const 0) (i32.const 32) (i32.const 7) (i32.const 160) (i32.const 4))))
    (if (i32.eq (local.get $do) (i32.const 45))
      (then (call $remove_header (i32.const 0) (i32.const 32) (i32.const 7))))
    ;; c: a header of HTTP itself
    (if (i32.eq (local.get $do) (i32.const 99))
      (then (call $set_header_value (i32.const 0) (i32.const 80) (i32.const 14) (i32.const 96) (i32.const 1))))
    ;; s: another method
    (if (i32.eq (local.get $do) (i32.const 115))
      (then (call $set_method (i32.const 160) (i32.const 4))))
    ;; a: an answer
    (if (i32.eq (local.get $do) (i32.const 97))
      (then
        (call $set_status_code (i32.const 402))
        (call $set_header_value (i32.const 1) (i32.const 192) (i32.const 12) (i32.const 176) (i32.const 10))
        (call $write_body (i32.const 1) (i32.const 128) (i32.const 4))
        (call $write_body (i32.const 1) (i32.const 132) (i32.const 5))
        (return (i64.const 0))))
    ;; A: a status, and yet it goes on
    (if (i32.eq (local.get $do) (i32.const 65))
      (then (call $set_status_code (i32.const 402))))
    ;; l: for ever
    (if (i32.eq (local.get $do) (i32.const 108)) (then (call $endless)))
    ;; r: too deep
    (if (i32.eq (local.get $do) (i32.const 114)) (then (call $tell_number (call $deep (i32.const 0)))))
    ;; t: a trap
    (if (i32.eq (local.get $do) (i32.const 116)) (then (unreachable)))
    ;; x: no word of the ABI
    (if (i32.eq (local.get $do) (i32.const 120)) (then (return (i64.const 2))))
    ;; o: past the end of its memory
    (if (i32.eq (local.get $do) (i32.const 111))
      (then (drop (call $get_uri (i32.const -2) (i32.const 1024)))))
    ;; O: past the end of its memory, by itself
    (if (i32.eq (local.get $do) (i32.const 79))
      (then (drop (i32.load (i32.const -8)))))
    ;; m: as much memory as it gets
    (if (i32.eq (local.get $do) (i32.const 109))
      (then
        (block $full
          (loop $more
            (br_if $full (i32.eq (memory.grow (i32.const 1)) (i32.const -1)))
            (br $more)))
        (call $tell_number (memory.size))))
    ;; b: the body's length, read 100 bytes at a time
    (if (i32.eq (local.get $do) (i32.const 98))
      (then
        (block $end
          (loop $read
            (local.set $word (call $read_body (i32.const 0) (i32.const 4096) (i32.const 100)))
            (local.set $length (i32.add (local.get $length) (i32.wrap_i64 (local.get $word))))
            (br_if $end (i64.ne (i64.const 0) (i64.shr_u (local.get $word) (i64.const 32))))
            (br $read)))
        (call $tell_number (local.get $length))))
    ;; w: another body
    (if (i32.eq (local.get $do) (i32.const 119))
      (then
        (call $write_body (i32.const 0) (i32.const 112) (i32.const 4))
        (call $write_body (i32.const 0) (i32.const 116) (i32.const 4))))
    ;; e: trailers and features
    (if (i32.eq (local.get $do) (i32.const 101))
      (then (call $tell_number
        (i32.add
          (i32.mul (i32.const 10) (call $enable_features (i32.const 7)))
          (i32.wrap_i64 (call $get_header_names (i32.const 2) (i32.const 2048) (i32.const 1024)))))))
    ;; y: a trailer
    (if (i32.eq (local.get $do) (i32.const 121))
      (then (call $set_header_value (i32.const 3) (i32.const 32) (i32.const 7) (i32.const 96) (i32.const 1))))
    ;; z: lines
    (if (i32.eq (local.get $do) (i32.const 122))
      (then
        (call $log (i32.const 0) (i32.const 224) (i32.const 14))
        (i32.store (i32.const 1200) (i32.const 224))
        (i32.store (i32.const 1204) (i32.const 14))
        (drop (call $fd_write (i32.const 1) (i32.const 1200) (i32.const 1) (i32.const 1216)))
        (call $tell_number (call $log_enabled (i32.const 2)))))
    ;; j: the time in seconds
    (if (i32.eq (local.get $do) (i32.const 106))
      (then
        (drop (call $clock_time_get (i32.const 0) (i64.const 0) (i32.const 1200)))
        (call $tell_number (i32.wrap_i64 (i64.div_u (i64.load (i32.const 1200)) (i64.const 1000000000))))))
    ;; q: errors of what is not there: a file, waiting; and no environment
    (if (i32.eq (local.get $do) (i32.const 113))
      (then
        (drop (call $random_get (i32.const 1300) (i32.const 16)))
        (drop (call $environ_sizes_get (i32.const 1200) (i32.const 1204)))
        (call $tell_number
          (i32.add
            (i32.mul (i32.const 1000)
              (call $path_open (i32.const 3) (i32.const 0) (i32.const 256) (i32.const 11) (i32.const 0)
                (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 1220)))
            (i32.add
              (i32.mul (i32.const 10) (call $poll_oneoff (i32.const 1200) (i32.const 1300) (i32.const 1) (i32.const 1216)))
              (i32.load (i32.const 1200)))))))
    ;; E: ends itself
    (if (i32.eq (local.get $do) (i32.const 69)) (then (call $proc_exit (i32.const 3))))
    ;; h: a header of the answer that is to come
    (if (i32.eq (local.get $do) (i32.const 104))
      (then (call $set_header_value (i32.const 1) (i32.const 208) (i32.const 8) (i32.const 96) (i32.const 1))))
    ;; B and digits from 1: what handle_response is to see has to wait for it
    (if (i32.or (i32.eq (local.get $do) (i32.const 66))
                (i32.and (i32.gt_u (local.get $do) (i32.const 48)) (i32.lt_u (local.get $do) (i32.const 58))))
      (then (drop (call $enable_features (i32.const 2)))))
    ;; with the letter as the context
    (i64.or (i64.const 1) (i64.shl (i64.extend_i32_u (local.get $do)) (i64.const 32))))

  (func (export "handle_response") (param $context i32) (param $error i32)
    (local $length i32) (local $at i32)
    (if (local.get $error) (then (call $log (i32.const 1) (i32.const 128) (i32.const 9)) (return)))
    ;; 1: the status and the context, in a header
    (if (i32.eq (local.get $context) (i32.const 49))
      (then
        (local.set $length (call $decimal
          (i32.add (i32.mul (i32.const 1000) (local.get $context)) (call $get_status_code)) (i32.const 2048)))
        (call $set_header_value (i32.const 1) (i32.const 208) (i32.const 8) (i32.const 2048) (local.get $length))))
    ;; 2: another status
    (if (i32.eq (local.get $context) (i32.const 50))
      (then (call $set_status_code (i32.const 503))))
    ;; 3: the body with its letters in upper case, as far as the first read goes
    (if (i32.eq (local.get $context) (i32.const 51))
      (then
        (local.set $length (i32.wrap_i64 (call $read_body (i32.const 1) (i32.const 4096) (i32.const 60000))))
        (block $done
          (loop $next
            (br_if $done (i32.eq (local.get $at) (local.get $length)))
            (i32.store8 (i32.add (i32.const 4096) (local.get $at))
              (i32.and (i32.const 0xDF) (i32.load8_u (i32.add (i32.const 4096) (local.get $at)))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next)))
        (call $write_body (i32.const 1) (i32.const 4096) (local.get $length))))
    ;; 4: for ever
    (if (i32.eq (local.get $context) (i32.const 52)) (then (call $endless)))
    ;; 5: a trap
    (if (i32.eq (local.get $context) (i32.const 53)) (then (unreachable)))
    ;; 6: a status without a body
    (if (i32.eq (local.get $context) (i32.const 54)) (then (call $set_status_code (i32.const 204))))
    ;; 7: another body, whatever there is
    (if (i32.eq (local.get $context) (i32.const 55))
      (then (call $write_body (i32.const 1) (i32.const 112) (i32.const 8))))
    ;; 8: a header of the request, too late
    (if (i32.eq (local.get $context) (i32.const 56))
      (then (call $set_header_value (i32.const 0) (i32.const 32) (i32.const 7) (i32.const 96) (i32.const 1))))
    ;; N: a header of the answer, without the feature
    (if (i32.eq (local.get $context) (i32.const 78))
      (then (call $set_header_value (i32.const 1) (i32.const 208) (i32.const 8) (i32.const 96) (i32.const 1))))
    ;; L: for ever, and nobody waits
    (if (i32.eq (local.get $context) (i32.const 76)) (then (call $endless)))))
